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
  /** By what `perturbation.png` amplifies the change. */
  readonly perturbationFactor: number;
  readonly slice?: Slice | undefined;
}
