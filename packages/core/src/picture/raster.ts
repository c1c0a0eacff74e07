import { AsmaError } from "../errors.ts";

/** The pixels of a picture, upright, before they become a tensor. */
export interface Raster {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (RGB). */
  readonly channels: 1 | 3;
  /** Samples per channel, 0..255, 0..65535 or floating point, row by row, channels interleaved. */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  /** Bits per channel; 32 is floating point. */
  readonly bitDepth: 8 | 16 | 32;
  /** Number of pixels that are not fully opaque. */
  readonly transparentPixels: number;
  /** 1 where a pixel is not to be seen at all, of PNG and GIF files with transparent pixels. */
  readonly clear?: Uint8Array | undefined;
  /** Grey samples or palette indices as the file stores them, for files that are not RGB. */
  readonly stored?: StoredSamples | undefined;
  /** What is thrown where the samples are wanted as brightness, which they do not say; `data` is empty then. */
  readonly labelsOnly?: AsmaError | undefined;
}

/** Integers per pixel, as a file stores them. */
export interface StoredSamples {
  /** Length height · width, row by row. */
  readonly data: Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;
  /** The largest that the file could store: white, where they are brightness. */
  readonly max: number;
  /** RGB triples, where they are indices. */
  readonly palette?: Uint8Array | undefined;
}

/** A picture whose header was read and checked; `decode` gives its pixels. */
export interface Picture {
  /** Whether it stores one grey channel (palettes count as colour). */
  readonly grey: boolean;
  /** Pages in the file, where it may have several; the first one counts. */
  readonly pages?: number;
  /** Whether it is compressed so that samples change. */
  readonly isLossy?: boolean;
  decode(): Promise<Raster>;
}

/**
 * The raster of RGBA pixels of 8 bits; with one channel, of their first.
 *
 * @param rgba length 4 · height · width
 */
export function rasterOfRgba(
  rgba: Uint8Array | Uint8ClampedArray,
  [height, width]: readonly [height: number, width: number],
  channels: 1 | 3 = 3,
): Raster {
  const data = new Uint8Array(channels * height * width);
  let transparentPixels = 0;
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) {
      data[channels * i + c] = rgba[4 * i + c] as number;
    }
    transparentPixels += rgba[4 * i + 3] === 255 ? 0 : 1;
  }
  const stored = channels === 1 ? { data, max: 255 } : undefined;
  return { height, width, channels, data, bitDepth: 8, transparentPixels, stored };
}

/**
 * Refuses a raster with a pixel that is not fully opaque.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_ALPHA
 */
export function checkOpaque(name: string, { transparentPixels }: Raster): void {
  if (transparentPixels === 0) {
    return;
  }
  throw new AsmaError(
    "ERR_IMAGE_ALPHA",
    `Expected an opaque image but ${name} has an alpha channel with ${transparentPixels} transparent ` +
      "pixels: flatten it onto a background first.",
    { details: { name, transparentPixels } },
  );
}
