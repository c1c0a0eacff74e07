import { isAsmaError } from "../errors.ts";
import { orientRaster } from "../picture/orient-raster.ts";
import type { OpenPictureOptions, PictureHost } from "../picture/picture-host.ts";
import type { Picture, Raster } from "../picture/raster.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";
import { checkTiff, compressions, isFax, photometrics } from "./check-tiff.ts";
import { plainTiff } from "./plain-tiff.ts";
import { rasterOfSamples, type TiffSamples } from "./raster-of-samples.ts";
import { readTiffDirectory } from "./tiff-directory.ts";
import { readTiffLayout, type TiffLayout } from "./tiff-layout.ts";
import { unpackBlocks } from "./unpack-blocks.ts";

/**
 * Opens a TIFF or BigTIFF, the first page of it: strips or tiles, planes or not, uncompressed or with LZW, Deflate,
 * PackBits, ZSTD, JPEG, WebP or, where the host decodes it, CCITT; grey, RGB and palettes of 1 to 16 bits, floating
 * point; of 12 and 32 bits and signed integers as labels. Its orientation is applied. All that its directory tells is
 * checked at once.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE,
 *   ERR_IMAGE_CHANNELS, ERR_IMAGE_BIT_DEPTH
 */
export function openTiff(
  bytes: Uint8Array,
  name: string,
  { host, maxPixels }: OpenPictureOptions,
): Picture {
  let layout: TiffLayout;
  let pages: number;
  try {
    const directory = readTiffDirectory(bytes);
    pages = directory.pages;
    layout = readTiffLayout(directory, name, bytes.length, maxPixels);
  } catch (cause) {
    throw isAsmaError(cause) ? cause : damaged(name, cause);
  }
  checkTiff(layout, name, host);
  const { photometric } = layout;
  const grey = photometric === photometrics.blackIsZero || photometric === photometrics.whiteIsZero;
  return {
    grey,
    pages,
    isLossy: ([compressions.jpeg, compressions.webp] as number[]).includes(layout.compression),
    decode: async () => {
      try {
        return await decode(bytes, layout, name, host);
      } catch (cause) {
        throw isAsmaError(cause) ? cause : damaged(name, cause);
      }
    },
  };
}

function damaged(name: string, cause: unknown): Error {
  const found = `is a truncated or damaged TIFF (${(cause as Error).message})`;
  return unreadablePicture(name, found, { cause });
}

async function decode(
  bytes: Uint8Array,
  layout: TiffLayout,
  name: string,
  host: PictureHost,
): Promise<Raster> {
  if (isFax(layout)) {
    return orientRaster(await decodeFax(bytes, layout, host), layout.orientation);
  }
  const blocks = await unpackBlocks(bytes, layout, host);
  const isUnpacked = [
    compressions.jpeg,
    compressions.webp,
    compressions.none,
    compressions.packBits,
  ];
  // Differences are taken by LZW, Deflate and ZSTD only; elsewhere the tag says nothing.
  const predictor = (isUnpacked as number[]).includes(layout.compression) ? 1 : layout.predictor;
  const { fromArrayBuffer } = await import("geotiff");
  const tiff = await fromArrayBuffer(plainTiff({ ...layout, predictor }, blocks));
  const image = await tiff.getImage(0);
  const samples = (await image.readRasters({ interleave: true })) as TiffSamples;
  if (samples.length !== layout.height * layout.width * layout.samples) {
    throw new RangeError("it decodes to a size that is not its own");
  }
  return orientRaster(rasterOfSamples(samples, layout, name), layout.orientation);
}

async function decodeFax(
  bytes: Uint8Array,
  { height, width }: TiffLayout,
  host: PictureHost,
): Promise<Raster> {
  const pixels = await host.decodeFax?.(bytes);
  if (pixels?.height !== height || pixels.width !== width || pixels.channels !== 1) {
    throw new RangeError("it decodes to a size that is not its own");
  }
  const data = Uint8Array.from(pixels.data);
  const stored = { data: data.map((sample) => sample / 255), max: 1 };
  return { height, width, channels: 1, data, bitDepth: 8, transparentPixels: 0, stored };
}
