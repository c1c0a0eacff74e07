/** Class of each pixel: int32 in C order, dims [H, W]. Values are classes or the ignore label. */
export interface LabelMap {
  readonly data: Int32Array;
  readonly dims: readonly [number, number];
}
