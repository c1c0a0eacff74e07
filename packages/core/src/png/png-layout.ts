import { checkImageSize } from "../image-size.ts";
import { exifOrientation } from "../picture/exif-orientation.ts";
import { crc32 } from "./crc-32.ts";
import { damagedPng } from "./damaged-png.ts";

/** A PNG as its header and small chunks describe it; the pixels are still compressed. */
export interface PngLayout {
  readonly height: number;
  readonly width: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly colour: PngColour;
  /** Samples per pixel: 1 to 4. */
  readonly channels: number;
  /** RGB triples of a palette file. */
  readonly palette?: Uint8Array | undefined;
  /** The tRNS chunk: opacities of palette entries (one byte each), or the one transparent colour (two bytes each). */
  readonly transparency?: Uint8Array | undefined;
  /** The EXIF value, 1 to 8, of the eXIf chunk; 1 is upright. */
  readonly orientation: number;
  /** Whether rows come in the seven passes of Adam7. */
  readonly interlaced: boolean;
  /** The parts of one zlib stream. */
  readonly idat: readonly Uint8Array[];
}

/** What the samples of a pixel are. */
export type PngColour = "grey" | "rgb" | "palette" | "grey-alpha" | "rgb-alpha";

const colours: Readonly<Record<number, PngColour>> = {
  0: "grey",
  2: "rgb",
  3: "palette",
  4: "grey-alpha",
  6: "rgb-alpha",
};
const channelsOf = { grey: 1, rgb: 3, palette: 1, "grey-alpha": 2, "rgb-alpha": 4 } as const;
const depthsOf = {
  grey: [1, 2, 4, 8, 16],
  rgb: [8, 16],
  palette: [1, 2, 4, 8],
  "grey-alpha": [8, 16],
  "rgb-alpha": [8, 16],
};
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes start as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads the chunks of a PNG without inflating its pixels.
 *
 * @param name the file in messages, such as "'scan.png'" or "the image"
 * @throws AsmaError ERR_IMAGE_TOO_LARGE when the header claims more than `maxPixels`,
 *   ERR_IMAGE_UNREADABLE when the file is damaged or truncated
 */
export function readPngLayout(bytes: Uint8Array, name: string, maxPixels?: number): PngLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const typeAt = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.byteLength < 33 || typeAt(12) !== "IHDR") {
    throw damagedPng(name, "ends in its header");
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  checkImageSize(name, [height, width], maxPixels);
  const depth = view.getUint8(24);
  const colour = colours[view.getUint8(25)];
  const [compression, filter] = [view.getUint8(26), view.getUint8(27)];
  const interlace = view.getUint8(28);
  if (!colour || !depthsOf[colour].includes(depth) || compression + filter > 0 || interlace > 1) {
    throw damagedPng(name, "is a PNG of a kind that does not exist");
  }
  const idat: Uint8Array[] = [];
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  let orientation = 1;
  for (let at = 8; ;) {
    const length = at + 12 <= bytes.byteLength ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.byteLength) {
      throw damagedPng(name, "is a truncated PNG");
    }
    const type = typeAt(at + 4);
    const chunk = bytes.subarray(at + 8, at + 8 + length);
    const isNeeded = ["IHDR", "PLTE", "tRNS", "IDAT"].includes(type);
    const checksum = view.getUint32(at + 8 + length);
    if (isNeeded && crc32(bytes.subarray(at + 4, at + 8 + length)) !== checksum) {
      throw damagedPng(name, `is a damaged PNG (the checksum of a ${type} chunk is wrong)`);
    }
    if (type === "IDAT") idat.push(chunk);
    if (type === "PLTE") palette = chunk;
    if (type === "tRNS") transparency = chunk;
    if (type === "eXIf") orientation = exifOrientation(chunk);
    if (type === "IEND") break;
    at += 12 + length;
  }
  if (colour === "palette" && !(palette?.length && palette.length % 3 === 0)) {
    throw damagedPng(name, "is a palette PNG without a palette of whole colours");
  }
  const channels = channelsOf[colour];
  const interlaced = interlace === 1;
  return {
    height,
    width,
    depth,
    colour,
    channels,
    palette,
    transparency,
    orientation,
    interlaced,
    idat,
  };
}
