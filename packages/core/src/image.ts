/** Extent in pixels: height and width, or depth, height and width of a volume. */
export type Size =
  | readonly [height: number, width: number]
  | readonly [depth: number, height: number, width: number];

/**
 * An image or a volume as attacks see it: float32, dims [1, C, H, W] or [1, C, D, H, W], values in
 * [0, 1] (0 black, 1 the brightest value of the file's bit depth).
 */
export interface ImageTensor {
  readonly data: Float32Array;
  readonly dims: ImageDims;
  /**
   * Values that a channel can take in the file the image came from: 256, 65536, `Infinity` for floating
   * point. Absent: not known, see `levelsOf`.
   */
  readonly levels?: number | undefined;
}

/** [1, C, H, W] or [1, C, D, H, W]. */
export type ImageDims = readonly [1, number, ...Size];

/** One class index per pixel; dims [H, W] or [D, H, W]. The label {@link ignored} does not count. */
export interface LabelMap {
  readonly data: Int32Array;
  readonly dims: Size;
  /** What is doubtful about a prediction. */
  readonly notices?: readonly string[];
}

/**
 * Scores as attacks raise them: float32, dims [K, H, W] or [K, D, H, W] on the output grid, K ≥ 2 classes, of which
 * the largest wins. They are the values before a final softmax, sigmoid or argmax, the logarithms of probabilities
 * where nothing before can be told, and [−z, z]/2 of a single channel z whose border lies at 0.
 */
export interface ScoreMap {
  readonly data: Float32Array;
  readonly dims: readonly [classes: number, ...Size];
}

/** The label of pixels that neither loss nor metrics look at. */
export const ignored = -1;

/** The spatial part of an image's dims. */
export function sizeOf({ dims }: ImageTensor): Size {
  const [, , ...size] = dims;
  return size;
}

/** Number of elements of a tensor of these dims. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

/** Whether two lists of dims are the same. */
export function sameSize(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
