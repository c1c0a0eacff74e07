/** How one axis of a Resize is interpolated; names and values as in ONNX Resize. */
export interface Interpolation {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinates: string;
  /** Rounding of nearest neighbours. */
  readonly nearestMode: string;
  readonly cubicCoefficient: number;
  readonly excludesOutside: boolean;
  readonly antialias: boolean;
}

/** Sizes of an axis before and after, their ratio, and the region of interest in [0, 1]. */
export interface ResizedAxis {
  readonly size: number;
  readonly out: number;
  readonly scale: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The matrix of a Resize along one axis: `out` rows of `size` weights. Rows of extrapolated positions
 * are zero. Coordinates are rounded to float32 at every step, as ONNX Runtime computes them: nearest
 * neighbours hang on it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Resize.html
 */
export function interpolationMatrix(axis: ResizedAxis, how: Interpolation): number[][] {
  const { size, out } = axis;
  return Array.from({ length: out }, (_, i) => {
    const row = Array.from({ length: size }, () => 0);
    const x = sourceCoordinate(i, axis, how.coordinates);
    if (how.coordinates === "tf_crop_and_resize" && (x < 0 || x > size - 1)) {
      return row;
    }
    for (const [index, weight] of taps(x, axis, how)) {
      const at = Math.min(Math.max(index, 0), size - 1);
      row[at] = (row[at] as number) + weight;
    }
    return row;
  });
}

function sourceCoordinate(i: number, axis: ResizedAxis, mode: string): number {
  const f = Math.fround;
  const { size, out } = axis;
  const [scale, start, end] = [f(axis.scale), f(axis.start), f(axis.end)];
  const halfPixel = () => f(f(f(i + 0.5) / scale) - 0.5);
  switch (mode) {
    case "align_corners":
      return out === 1 ? 0 : f(f(i * (size - 1)) / (out - 1));
    case "asymmetric":
      return f(i / scale);
    case "tf_half_pixel_for_nn":
      return f(f(i + 0.5) / scale);
    case "pytorch_half_pixel":
      return out === 1 ? 0 : halfPixel();
    case "tf_crop_and_resize":
      return out === 1
        ? f(f(0.5 * f(start + end)) * (size - 1))
        : f(f(start * (size - 1)) + f(f(f(i * f(end - start)) * (size - 1)) / (out - 1)));
    case "half_pixel_symmetric": {
      const offset = f((size / 2) * f(1 - f(out / f(scale * size))));
      return f(f(offset + f(f(i + 0.5) / scale)) - 0.5);
    }
    default:
      return halfPixel();
  }
}

/** Indices, which may lie outside, and their weights. */
function taps(x: number, { size, scale }: ResizedAxis, how: Interpolation): [number, number][] {
  if (how.mode === "nearest") {
    return [[nearest(x, how.nearestMode), 1]];
  }
  // Antialiasing widens the kernel when the axis shrinks.
  const narrow = how.antialias ? Math.min(scale, 1) : 1;
  const reach = Math.ceil((how.mode === "linear" ? 1 : 2) / narrow);
  const low = Math.floor(x);
  let all = Array.from({ length: 2 * reach }, (_, k): [number, number] => {
    const index = low + 1 - reach + k;
    return [index, kernelWeight(Math.abs(x - index) * narrow, how)];
  });
  const normalize = (list: [number, number][]): [number, number][] => {
    const sum = list.reduce((total, [, weight]) => total + weight, 0);
    return list.map(([index, weight]) => [index, weight / sum]);
  };
  if (narrow < 1) {
    all = normalize(all);
  }
  return how.excludesOutside ? normalize(all.filter(([index]) => index >= 0 && index < size)) : all;
}

/** ONNX Runtime takes a coordinate for a half when it is this close to one. */
const halfTolerance = 1e-6;

function nearest(x: number, mode: string): number {
  switch (mode) {
    case "round_prefer_ceil":
      return Math.floor(x + 0.5 + halfTolerance);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    default:
      return Math.ceil(x - 0.5 - halfTolerance);
  }
}

function kernelWeight(t: number, { mode, cubicCoefficient: a }: Interpolation): number {
  if (mode === "linear") {
    return Math.max(0, 1 - t);
  }
  if (t <= 1) {
    return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  }
  return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0;
}
