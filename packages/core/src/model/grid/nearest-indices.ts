/** Attributes of an ONNX Resize of mode `nearest`. */
export interface NearestResize {
  readonly from: number;
  readonly to: number;
  /** Of the axis, where it is given rather than the size. */
  readonly scale?: number | undefined;
  readonly coordinates: string;
  readonly rounding: string;
}

/**
 * For each output pixel of an axis the input pixel that a nearest Resize takes; `undefined` for
 * coordinate modes that need more than sizes (`tf_crop_and_resize`).
 *
 * @see ONNX Resize, opset 19
 */
export function nearestIndices(resize: NearestResize): number[] | undefined {
  const { from, to, scale = to / from, coordinates, rounding } = resize;
  const source = sources[coordinates];
  const round = roundings[rounding];
  if (source === undefined || round === undefined) {
    return undefined;
  }
  return Array.from({ length: to }, (_, i) =>
    Math.min(from - 1, Math.max(0, round(source(i, scale, from, to)))),
  );
}

const sources: Record<string, (i: number, scale: number, from: number, to: number) => number> = {
  half_pixel: (i, scale) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, scale, from, to) =>
    (from / 2) * (1 - to / (from * scale)) + (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, scale, _, to) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  asymmetric: (i, scale) => i / scale,
  align_corners: (i, _, from, to) => (to === 1 ? 0 : (i * (from - 1)) / (to - 1)),
};

const roundings: Record<string, (x: number) => number> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};
