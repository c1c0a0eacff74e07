import type { ZSTDDecoder } from "zstddec";
import { checkScans, readJpegHeader } from "../picture/jpeg-header.ts";
import type { DecodedPixels, PictureHost } from "../picture/picture-host.ts";
import { readWebpHeader } from "../picture/webp-header.ts";
import { compressions, photometrics } from "./check-tiff.ts";
import { jpegOfBlock } from "./jpeg-of-block.ts";
import { blockGrid, blockRowBytes, type TiffLayout } from "./tiff-layout.ts";
import { unpackBits } from "./unpack-bits.ts";
import { unpackLzw } from "./unpack-lzw.ts";

/**
 * The strips or tiles of a TIFF, unpacked, numbers of several bytes little-endian, the first pixel of a byte in its
 * highest bit. Each is `blockHeight` rows long, whatever the file holds of the last.
 *
 * @throws RangeError when one is damaged, or shorter or longer than its size
 */
export async function unpackBlocks(
  bytes: Uint8Array,
  layout: TiffLayout,
  host: PictureHost,
): Promise<Uint8Array[]> {
  const { across, down, planes } = blockGrid(layout);
  const unpack = await unpackerOf(layout, host);
  const rowBytes = blockRowBytes(layout);
  const length = rowBytes * layout.blockHeight;
  const blocks: Uint8Array[] = [];
  for (let block = 0; block < across * down * planes; block++) {
    const start = layout.offsets[block] as number;
    let packed = bytes.subarray(start, start + (layout.counts[block] as number));
    if (layout.isReversed) packed = packed.map((byte) => reversed[byte] as number);
    const row = Math.floor((block % (across * down)) / across) * layout.blockHeight;
    const rows = layout.isTiled
      ? layout.blockHeight
      : Math.min(layout.blockHeight, layout.height - row);
    const unpacked = await unpack(packed, length, rows);
    if (unpacked.length < rows * rowBytes) throw new RangeError("pixels are missing");
    // Some bytes more: samples of odd sizes are read several bytes at a time.
    const whole = new Uint8Array(length + 4);
    whole.set(unpacked.subarray(0, length));
    if (!layout.little && layout.predictor !== 3) swapBytes(whole.subarray(0, length), layout.bits);
    blocks.push(whole);
  }
  return blocks;
}

/** Unpacks a block to at most `length` bytes; `rows` of it are in the picture. */
type Unpack = (
  packed: Uint8Array,
  length: number,
  rows: number,
) => Uint8Array | Promise<Uint8Array>;

async function unpackerOf(layout: TiffLayout, host: PictureHost): Promise<Unpack> {
  switch (layout.compression) {
    case compressions.lzw:
      return unpackLzw;
    case compressions.packBits:
      return unpackBits;
    case compressions.deflate:
    case compressions.oldDeflate:
      return (packed, length) => host.inflate([packed], length);
    case compressions.zstd: {
      const zstd = await startZstd();
      return (packed, length) => zstd.decode(packed, length);
    }
    case compressions.jpeg:
      return (packed, _, rows) => unpackJpeg(packed, rows, layout, host);
    case compressions.webp:
      return (packed, _, rows) => unpackWebp(packed, rows, layout, host);
    default:
      return (packed) => packed;
  }
}

/** The decoder is WebAssembly in a data address, which pages under a strict policy may not fetch. */
async function startZstd(): Promise<ZSTDDecoder> {
  const { ZSTDDecoder } = await import("zstddec");
  const zstd = new ZSTDDecoder();
  try {
    await zstd.init();
  } catch (cause) {
    const why = "its ZSTD decoder did not start, for which a page has to allow connect-src data:";
    throw new RangeError(why, { cause });
  }
  return zstd;
}

async function unpackJpeg(
  packed: Uint8Array,
  rows: number,
  layout: TiffLayout,
  host: PictureHost,
): Promise<Uint8Array> {
  const isYcbcr = layout.photometric === photometrics.ycbcr;
  const jpeg = jpegOfBlock(packed, layout.jpegTables, isYcbcr);
  const header = readJpegHeader(jpeg);
  const channels = layout.isPlanar ? 1 : layout.samples;
  const isAlike = header.colour === (channels === 1 ? "grey" : "rgb") && channels !== 2;
  if (!isAlike || header.depth !== 8) throw new RangeError("its JPEGs hold other samples than it");
  checkScans(header);
  checkBlockSize(header, rows, layout);
  return withChannels(await host.decodePhoto(jpeg, "jpeg"), channels, rows, layout);
}

async function unpackWebp(
  packed: Uint8Array,
  rows: number,
  layout: TiffLayout,
  host: PictureHost,
): Promise<Uint8Array> {
  if (layout.samples < 3 || layout.isPlanar) throw new RangeError("its WebPs hold other samples");
  checkBlockSize(readWebpHeader(packed), rows, layout);
  return withChannels(await host.decodePhoto(packed, "webp"), layout.samples, rows, layout);
}

function checkBlockSize(
  { height, width }: { readonly height: number; readonly width: number },
  rows: number,
  { blockHeight, blockWidth }: TiffLayout,
): void {
  if (width !== blockWidth || height < rows || height > blockHeight) {
    throw new RangeError("a part of it has another size than it says");
  }
}

/** The samples that a TIFF of so many channels stores: grey may come as RGB, and without alpha it is opaque. */
function withChannels(
  pixels: DecodedPixels,
  channels: number,
  rows: number,
  layout: TiffLayout,
): Uint8Array {
  checkBlockSize(pixels, rows, layout);
  const { data, channels: stride } = pixels;
  const count = pixels.height * pixels.width;
  const hasColour = stride >= 3;
  const samples = new Uint8Array(channels * count).fill(255);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < channels; c++) {
      if (c === 3 && stride < 4) continue;
      samples[i * channels + c] = data[i * stride + (hasColour ? c : 0)] as number;
    }
  }
  return samples;
}

/** Each byte with its bits in the other order. */
const reversed = Uint8Array.from({ length: 256 }, (_, byte) => {
  let turned = 0;
  for (let bit = 0; bit < 8; bit++) turned |= ((byte >> bit) & 1) << (7 - bit);
  return turned;
});

/** Turns big-endian numbers of 16, 32 or 64 bits into little-endian ones, in place. */
function swapBytes(bytes: Uint8Array, bits: number): void {
  const size = bits / 8;
  if (![2, 4, 8].includes(size)) return;
  for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
