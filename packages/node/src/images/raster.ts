import { checkImageSize, refusal } from "@onnx-asma/core";
import { decodeGif, type RawGif } from "./decode-gif.ts";
import { decodePng, readPngLayout, type RawPng } from "./decode-png.ts";
import { unreadable } from "./image-errors.ts";
import {
  readImageHeader,
  sniffFormat,
  type ImageFormat,
  type ImageHeader,
} from "./image-header.ts";
import { keepFirstPage } from "./tiff-page.ts";

/** Decoded pixels of a PNG, JPEG, BMP, TIFF or GIF file, upright (EXIF rotation applied). */
export interface Raster {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (RGB). */
  readonly channels: 1 | 3;
  /** Samples per channel, 0..255 or 0..65535, row by row, channels interleaved. */
  readonly data: Uint8Array | Uint16Array;
  readonly bitDepth: 8 | 16;
  /** Number of pixels that are not fully opaque. */
  readonly transparentPixels: number;
  /** Grey samples or palette indices as the file stores them, for files that are not RGB. */
  readonly stored?: {
    readonly data: Uint8Array | Uint16Array;
    readonly max: number;
    readonly palette?: Uint8Array;
  };
}

/** An image file whose header was read and checked; `decode` turns its pixels into a {@link Raster}. */
export interface RasterFile {
  readonly format: Exclude<ImageFormat, "npy">;
  /** Whether the file stores one grey channel (palette files count as colour). */
  readonly grey: boolean;
  decode(): Promise<Raster>;
}

/**
 * Opens an image file from its bytes, checking everything that its header tells.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE (CMYK, YCCK) or
 * ERR_IMAGE_BIT_DEPTH (more than 8 bits outside PNG, which would lose precision).
 */
export function openRaster(path: string, bytes: Buffer, maxPixels: number): RasterFile {
  if (bytes.length === 0) throw unreadable(path, "holds zero bytes");
  const format = sniffFormat(bytes);
  if (format === undefined || format === "npy") throw unreadable(path, "is none of these");
  if (format === "png") {
    const layout = readPngLayout(bytes, path, maxPixels);
    const grey = layout.colour === "grey" || layout.colour === "grey-alpha";
    return { format, grey, decode: async () => fromPng(decodePng(layout, path)) };
  }
  const header = readHeader(path, format, bytes);
  checkImageSize(`'${path}'`, [header.height, header.width], maxPixels);
  if (header.colour === "cmyk") {
    throw refusal("ERR_IMAGE_COLOUR_SPACE", {
      expected: "grey or RGB pixels",
      found: `'${path}' is a CMYK or YCCK ${format.toUpperCase()}`,
      wayOut: "convert it to RGB first",
      details: { path },
    });
  }
  if (header.depth > 8) {
    throw refusal("ERR_IMAGE_BIT_DEPTH", {
      expected: `at most 8 bits per channel in a ${format.toUpperCase()}`,
      found: `'${path}' has ${header.depth}`,
      wayOut: "save it as 16-bit PNG or as float .npy",
      details: { path, bitDepth: header.depth },
    });
  }
  if (header.truncated) throw unreadable(path, `is a truncated ${format.toUpperCase()}`);
  if (format === "gif")
    return { format, grey: false, decode: async () => fromGif(decodeGif(bytes, path)) };
  const grey = header.colour === "grey";
  return { format, grey, decode: () => decodeWithJimp(path, bytes, header, maxPixels) };
}

/** Throws ERR_IMAGE_ALPHA when any pixel of `raster` is not fully opaque. */
export function assertOpaque(path: string, raster: Raster): void {
  if (raster.transparentPixels === 0) return;
  throw refusal("ERR_IMAGE_ALPHA", {
    expected: "an opaque image",
    found: `'${path}' has an alpha channel with ${raster.transparentPixels} transparent pixels`,
    wayOut: "flatten it onto a background first",
    details: { path, transparentPixels: raster.transparentPixels },
  });
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
  const pixels = height * width;
  if (bitmap.data.length !== 4 * pixels)
    throw unreadable(path, "decodes to a size that is not its own");
  const channels = header.colour === "grey" ? 1 : 3;
  const data = new Uint8Array(pixels * channels);
  let transparentPixels = 0;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++) data[i * channels + c] = bitmap.data[4 * i + c] as number;
    if (bitmap.data[4 * i + 3] !== 255) transparentPixels++;
  }
  const stored = channels === 1 ? { data, max: 255 } : undefined;
  return { height, width, channels, data, bitDepth: 8, transparentPixels, stored };
}

function fromPng(png: RawPng): Raster {
  const { height, width, depth, colour } = png;
  const pixels = height * width;
  const channels = colour === "grey" || colour === "grey-alpha" ? 1 : 3;
  const bitDepth = depth === 16 ? 16 : 8;
  const max = 2 ** depth - 1;
  const opaque = bitDepth === 16 ? 65_535 : 255;
  const scale = opaque / max; // 255, 85, 17 or 1: exact.
  const data = new (bitDepth === 16 ? Uint16Array : Uint8Array)(pixels * channels);
  const { palette, transparency } = png;
  const key =
    colour !== "palette" && transparency ? transparentColour(transparency, channels) : undefined;
  const hasAlpha = png.channels === channels + 1;
  let transparentPixels = 0;
  for (let i = 0; i < pixels; i++) {
    const at = i * png.channels;
    const first = png.data[at] as number;
    if (colour === "palette" && palette) {
      for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * first + c] ?? 0;
      if ((transparency?.[first] ?? 255) !== 255) transparentPixels++;
      continue;
    }
    let keyed = key !== undefined;
    for (let c = 0; c < channels; c++) {
      const sample = png.data[at + c] as number;
      data[i * channels + c] = sample * scale;
      if (key?.[c] !== sample) keyed = false;
    }
    if (keyed || (hasAlpha && png.data[at + channels] !== opaque)) transparentPixels++;
  }
  const indices = colour === "palette" ? { data: png.data, max, palette } : undefined;
  const samples =
    colour === "grey" ? { data: png.data, max } : channels === 1 ? { data, max } : undefined;
  return { height, width, channels, data, bitDepth, transparentPixels, stored: indices ?? samples };
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

function transparentColour(transparency: Uint8Array, channels: number): number[] | undefined {
  if (transparency.length < 2 * channels) return undefined;
  return Array.from(
    { length: channels },
    (_, c) => ((transparency[2 * c] as number) << 8) | (transparency[2 * c + 1] as number),
  );
}
