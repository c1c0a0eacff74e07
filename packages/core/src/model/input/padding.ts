/** What added pixels are: see {@link Padding}. */
export type PaddingMode = "edge" | "reflect" | "constant" | "zero";

/** Pixels added around the image, inside the graph. */
export interface Padding {
  /** On every side, or before each axis and then after each: [top, left, bottom, right]. */
  readonly pixels: number | readonly number[];
  /**
   * `edge` repeats the border, `reflect` mirrors it, `constant` is black, `zero` is 0 after mean and
   * std. @default "constant"
   */
  readonly mode?: PaddingMode;
}
