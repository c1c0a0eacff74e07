/**
 * An image as attacks see it: float32, dims [1, C, H, W], values in [0, 1] (0 black, 1 the brightest
 * value of the file's bit depth).
 */
export interface ImageTensor {
  readonly data: Float32Array;
  readonly dims: readonly [1, number, number, number];
}

/** One class index per pixel; dims [H, W]. The label {@link ignored} does not count. */
export interface LabelMap {
  readonly data: Int32Array;
  readonly dims: readonly [number, number];
}

/** The label of pixels that neither loss nor metrics look at. */
export const ignored = -1;

/** Height and width in pixels. */
export type Size = readonly [height: number, width: number];
