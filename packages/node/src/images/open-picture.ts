import {
  checkPictureHeader,
  openPng,
  rasterOfRgba,
  type Picture,
  type Raster,
} from "@onnx-asma/core/png";
import { decodeGif, type RawGif } from "./decode-gif.ts";
import { unreadable } from "./image-errors.ts";
import {
  readImageHeader,
  sniffFormat,
  type ImageFormat,
  type ImageHeader,
} from "./image-header.ts";
import { inflate } from "./inflate.ts";
import { keepFirstPage } from "./tiff-page.ts";

/** A PNG, JPEG, BMP, TIFF or GIF file whose header was read and checked. */
export interface PictureFile extends Picture {
  readonly format: Exclude<ImageFormat, "npy">;
}

/**
 * Opens an image file from its bytes, checking everything that its header tells.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE (CMYK, YCCK) or
 * ERR_IMAGE_BIT_DEPTH (more than 8 bits outside PNG, which would lose precision).
 */
export function openPicture(path: string, bytes: Buffer, maxPixels: number): PictureFile {
  if (bytes.length === 0) throw unreadable(path, "holds zero bytes");
  const format = sniffFormat(bytes);
  if (format === undefined || format === "npy") throw unreadable(path, "is none of these");
  if (format === "png") {
    return { format, ...openPng(bytes, `'${path}'`, { inflate, maxPixels }) };
  }
  const header = readHeader(path, format, bytes);
  checkPictureHeader(`'${path}'`, format.toUpperCase(), header, maxPixels);
  if (header.truncated) throw unreadable(path, `is a truncated ${format.toUpperCase()}`);
  if (format === "gif")
    return { format, grey: false, decode: async () => fromGif(decodeGif(bytes, path)) };
  const grey = header.colour === "grey";
  return { format, grey, decode: () => decodeWithJimp(path, bytes, header, maxPixels) };
}

function readHeader(
  path: string,
  format: "jpeg" | "gif" | "bmp" | "tiff",
  bytes: Buffer,
): ImageHeader {
  try {
    return readImageHeader(format, bytes);
  } catch (cause) {
    throw unreadable(path, `is a truncated or damaged ${format.toUpperCase()}`, cause);
  }
}

async function decodeWithJimp(
  path: string,
  bytes: Buffer,
  header: ImageHeader,
  maxPixels: number,
): Promise<Raster> {
  const { Jimp } = await import("jimp");
  let bitmap: { data: Uint8Array; width: number; height: number };
  try {
    const jpeg = { maxResolutionInMP: maxPixels / 1e6 + 1, maxMemoryUsageInMB: 4096 };
    // A copy that owns its memory: the decoders look at the whole ArrayBuffer behind a pooled Buffer.
    const own = Buffer.from(Uint8Array.from(bytes).buffer);
    if (header.format === "tiff") keepFirstPage(own);
    ({ bitmap } = await Jimp.fromBuffer(own, { "image/jpeg": jpeg }));
  } catch (cause) {
    throw unreadable(path, `is a damaged or unsupported ${header.format.toUpperCase()}`, cause);
  }
  const { height, width } = bitmap;
  if (bitmap.data.length !== 4 * height * width)
    throw unreadable(path, "decodes to a size that is not its own");
  return rasterOfRgba(bitmap.data, [height, width], header.colour === "grey" ? 1 : 3);
}

/** Transparent pixels get the palette index 0 and are counted. */
function fromGif({ height, width, data: indices, palette }: RawGif): Raster {
  const data = new Uint8Array(3 * indices.length);
  const stored = new Uint8Array(indices.length);
  let transparentPixels = 0;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    if (index < 0) transparentPixels++;
    stored[i] = Math.max(0, index);
    for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * Math.max(0, index) + c] as number;
  }
  return {
    height,
    width,
    channels: 3,
    data,
    bitDepth: 8,
    transparentPixels,
    stored: { data: stored, max: 255, palette },
  };
}
