/** The slice of a volume that pictures show. */
export interface Slice {
  /** In the label grid, counted from 0 along the depth. */
  readonly index: number;
  /** In the image. */
  readonly imageIndex: number;
  /** Slices of the image. */
  readonly of: number;
  /** Why this one. */
  readonly because: "most pixels changed their label here" | "the middle, as no label changed";
}

/** What the pictures show. */
export interface PicturesRecord {
  /**
   * By what the signed part of `perturbation.png` amplifies the change, so that the 99th percentile fills its scale:
   * white ÷ that percentile, of the slice that is shown; 1 where nothing changed. A pixel's change is that of the
   * channel that changed most; of the n pixels that changed the one at place ⌈0.99 n⌉ in order counts.
   */
  readonly perturbationFactor: number;
  /** Share of the changed pixels that are above it. */
  readonly clippedPixels: number;
  readonly slice?: Slice | undefined;
}
