/**
 * An image as a model sees it.
 *
 * `data` is float32 in C order (channel, row, column), values in [0, 1]; `dims` is [1, C, H, W].
 */
export interface ImageTensor {
  readonly data: Float32Array;
  readonly dims: readonly [1, number, number, number];
  /** Bits per channel in the file: 8 or 16, and 32 for floating-point arrays. */
  readonly bitDepth: 8 | 16 | 32;
  /** What the file was: "png", "jpeg", "bmp", "tiff", "gif" or "npy". */
  readonly format: string;
  /** Number of values a channel can take in the file: 256 or 65536, Infinity for floating point. */
  readonly levels: number;
}

/** The part of an {@link ImageTensor} that pictures and writers need: float32 [1, C, H, W] in [0, 1]. */
export interface ImageLike {
  readonly data: Float32Array;
  readonly dims: readonly [1, number, number, number];
}

/** Converts integer samples to [0, 1]: `Math.fround(v / max)` for each v in 0..max. */
export function unitTable(max: 255 | 65535): Float32Array {
  return Float32Array.from({ length: max + 1 }, (_, v) => v / max);
}
