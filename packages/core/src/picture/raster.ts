import { AsmaError } from "../errors.ts";

/** The pixels of a picture, upright, before they become a tensor. */
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
  readonly stored?:
    | {
        readonly data: Uint8Array | Uint16Array;
        readonly max: number;
        readonly palette?: Uint8Array | undefined;
      }
    | undefined;
}

/** A picture whose header was read and checked; `decode` gives its pixels. */
export interface Picture {
  /** Whether it stores one grey channel (palettes count as colour). */
  readonly grey: boolean;
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
