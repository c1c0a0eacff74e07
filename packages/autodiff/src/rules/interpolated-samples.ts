import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";

/**
 * One neighbour of every sampled position along one axis; all of dims [B, 1, P].
 *
 * Its place is a whole number in [0, size − 1]; neighbours beyond the image stand at 0 with weight 0.
 */
export interface Neighbour {
  readonly place: Value;
  readonly weight: Value;
  /** The derivative of the weight with respect to the position. */
  readonly slope: Value;
}

/** An axis of the image with the neighbours of every position. */
export interface SampledAxis {
  readonly size: number;
  readonly neighbours: readonly Neighbour[];
}

/**
 * The two neighbours of linear interpolation at positions counted in pixels; pixels beyond the image
 * are zero. At a pixel itself the slope is the one to its right, as in PyTorch.
 */
export function linearNeighbours(b: GraphBuilder, position: Value, size: number): Neighbour[] {
  const { add, sub } = arithmetic(b);
  const low = b.op("Floor", [position]);
  const t = sub(position, low);
  const one = b.fill(1, position);
  const minusOne = b.fill(-1, position);
  return [
    within(b, { place: low, weight: sub(1, t), slope: minusOne }, size),
    within(b, { place: add(low, 1), weight: t, slope: one }, size),
  ];
}

/** A neighbour that is dropped where it lies beyond the image. A position that is no number is beyond. */
export function within(
  b: GraphBuilder,
  { place, weight, slope }: Neighbour,
  size: number,
): Neighbour {
  const { greater, less, where } = arithmetic(b);
  const isInside = b.op("And", [greater(place, -1), less(place, size)]);
  return {
    place: where(isInside, place, 0),
    weight: where(isInside, weight, 0),
    slope: where(isInside, slope, 0),
  };
}

/** The nearest place in [0, size − 1]; 0 for what is no number. */
export function clamped(b: GraphBuilder, place: Value, size: number): Value {
  const { greater, less, where } = arithmetic(b);
  const low = where(greater(place, 0), place, 0);
  return where(less(low, size - 1), low, size - 1);
}

/**
 * The adjoint of sampling: adds every gradient to the neighbours it was interpolated from. Needs
 * opset 16.
 *
 * @param g [B, C, P]
 * @returns [B, C, size₀ · size₁ · …]
 */
export function scatterSamples(b: GraphBuilder, axes: readonly SampledAxis[], g: Value): Value {
  const { mul } = arithmetic(b);
  const [batch, channels] = g.dims as [number, number];
  const pixels = axes.reduce((n, { size }) => n * size, 1);
  const zeros = b.fill(0, { dtype: g.dtype, dims: [batch, channels, pixels] });
  return corners(axes).reduce((image, corner) => {
    const weight = b.cast(
      corner.map(({ weight: w }) => w).reduce((x, y) => mul(x, y)),
      g.dtype,
    );
    const places = b.expand(flatPlace(b, axes, corner), g.dims);
    return b.op("ScatterElements", [image, places, mul(g, weight)], { axis: 2, reduction: "add" });
  }, zeros);
}

/**
 * What the samples are, and how they change with the positions, as far as `g` sees it.
 *
 * @param image [B, C, size₀ · size₁ · …]
 * @param g [B, C, P]
 * @returns Σ over channels of g · sample, and per axis of g · ∂sample/∂position; each [B, 1, P] in the
 *   dtype of the positions
 */
export function sampleGradients(
  b: GraphBuilder,
  axes: readonly SampledAxis[],
  image: Value,
  g: Value,
): { readonly values: () => Value; readonly positions: () => Value[] } {
  const { add, mul } = arithmetic(b);
  const seen = corners(axes).map((corner) => {
    const found = gatherPixels(b, image, flatPlace(b, axes, corner));
    const sum = b.reduce("ReduceSum", mul(g, found), [1]);
    return { corner, sum: b.cast(sum, (corner[0] as Neighbour).weight.dtype) };
  });
  const total = (factor: (neighbour: Neighbour, axis: number) => Value) =>
    seen
      .map(({ corner, sum }) => corner.map(factor).reduce((x, y) => mul(x, y), sum))
      .reduce((x, y) => add(x, y));
  return {
    values: () => total(({ weight }) => weight),
    positions: () =>
      axes.map((_, along) => total(({ weight, slope }, axis) => (axis === along ? slope : weight))),
  };
}

/** The samples: [B, C, P] out of an image [B, C, size₀ · size₁ · …]. */
export function samples(b: GraphBuilder, axes: readonly SampledAxis[], image: Value): Value {
  const { add, mul } = arithmetic(b);
  return corners(axes)
    .map((corner) => {
      const weight = corner.map(({ weight: w }) => w).reduce((x, y) => mul(x, y));
      return mul(gatherPixels(b, image, flatPlace(b, axes, corner)), b.cast(weight, image.dtype));
    })
    .reduce((x, y) => add(x, y));
}

/** Every combination of one neighbour per axis. */
function corners(axes: readonly SampledAxis[]): Neighbour[][] {
  return axes.reduce<Neighbour[][]>(
    (all, { neighbours }) => all.flatMap((head) => neighbours.map((next) => [...head, next])),
    [[]],
  );
}

/** The row-major place of a combination of neighbours, in whole numbers: those of floats end at 2²⁴. */
function flatPlace(
  b: GraphBuilder,
  axes: readonly SampledAxis[],
  corner: readonly Neighbour[],
): Value {
  const { add, mul } = arithmetic(b);
  return corner
    .map(({ place }) => b.cast(place, "int32"))
    .reduce((flat, place, i) => add(mul(flat, (axes[i] as SampledAxis).size), place));
}

/** [B, C, P] out of [B, C, S] at places [B, 1, P]. */
function gatherPixels(b: GraphBuilder, image: Value, places: Value): Value {
  const [batch, channels] = image.dims as [number, number];
  const count = places.dims[2] as number;
  return batch === 1
    ? b.op("Gather", [image, b.reshape(places, [count])], { axis: 2 })
    : b.op("GatherElements", [image, b.expand(places, [batch, channels, count])], { axis: 2 });
}
