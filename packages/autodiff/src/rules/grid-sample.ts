import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import {
  clamped,
  linearNeighbours,
  sampleGradients,
  scatterSamples,
  within,
  type Neighbour,
  type SampledAxis,
} from "./interpolated-samples.ts";
import { lazy } from "./lazy.ts";

type Mode = "linear" | "nearest" | "cubic";
type Padding = "zeros" | "border" | "reflection";

interface Sampling {
  readonly mode: Mode;
  readonly padding: Padding;
  readonly alignsCorners: boolean;
}

/** Names of the modes before and since opset 20. */
const modes = new Map<string, Mode>([
  ["bilinear", "linear"],
  ["linear", "linear"],
  ["nearest", "nearest"],
  ["bicubic", "cubic"],
  ["cubic", "cubic"],
]);

const paddings = new Set<string>(["zeros", "border", "reflection"] satisfies Padding[]);

/**
 * GridSample (opset 16; images and volumes, linear, nearest and cubic, every padding): with
 * y = Σ w(u) x[neighbour] over the neighbours of the position u that the grid names,
 * dX adds w · dy to every neighbour, and dgrid = Σ dy · x[neighbour] · w′(u) · ∂u/∂grid. The latter is
 * 0 where a position is moved to the border, and turns its sign where it is reflected; at a pixel it
 * takes the slope to the right (all as PyTorch). nearest has no gradient with respect to the grid.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GridSample.html
 */
export const gridSample: GradientRule = {
  opType: "GridSample",
  build: (c) => {
    const how = samplingOf(c);
    const axes = lazy(() => sampledAxes(c, how));
    const [batch, channels, ...sizes] = c.x().dims as [number, number, ...number[]];
    const g = lazy(() => c.b.reshape(c.dy(), [batch, channels, positionCount(c)]));
    const image = () =>
      c.b.reshape(c.x(), [batch, channels, sizes.reduce((count, n) => count * n, 1)]);
    return [
      () => c.b.reshape(scatterSamples(c.b, axes(), g()), c.x().dims),
      how.mode === "nearest" ? null : () => gridGradient(c, axes(), image(), g()),
    ];
  },
};

function samplingOf(c: RuleContext): Sampling {
  const given = c.string("mode", c.opset < 20 ? "bilinear" : "linear");
  const mode = modes.get(given);
  const padding = c.string("padding_mode", "zeros");
  if (mode === undefined || !paddings.has(padding)) {
    throw new RuleRefusal(
      mode === undefined
        ? `mode '${given}' is not one of ${[...modes.keys()].join(", ")}`
        : `padding_mode '${padding}' is not one of ${[...paddings].join(", ")}`,
    );
  }
  return {
    mode,
    padding: padding as Padding,
    alignsCorners: c.int("align_corners", 0) === 1,
  };
}

function positionCount(c: RuleContext): number {
  return c
    .x(1)
    .dims.slice(1, -1)
    .reduce((count, n) => count * n, 1);
}

/** The spatial axes in the order of X; the grid names them from the last to the first. */
function sampledAxes(c: RuleContext, how: Sampling): SampledAxis[] {
  const { b } = c;
  const grid = c.x(1);
  const batch = grid.dims[0] as number;
  const sizes = c.x().dims.slice(2);
  const flat = b.reshape(grid, [batch, positionCount(c), sizes.length]);
  return sizes.map((size, i) => {
    const at = sizes.length - 1 - i;
    const column = b.slice(flat, [2], [at], [at + 1]);
    return {
      size,
      neighbours: neighbours(b, b.reshape(column, [batch, 1, positionCount(c)]), size, how),
    };
  });
}

/** The neighbours of one axis; slopes are with respect to the grid, [−1, 1] from edge to edge. */
function neighbours(b: GraphBuilder, grid: Value, size: number, how: Sampling): Neighbour[] {
  const { add, div, mul, sub } = arithmetic(b);
  const pixelsPerUnit = (how.alignsCorners ? size - 1 : size) / 2;
  const position = how.alignsCorners
    ? mul(add(grid, 1), pixelsPerUnit)
    : div(sub(mul(add(grid, 1), size), 1), 2);
  const scaled = (list: readonly Neighbour[], factor: Value | number) =>
    list.map((neighbour) => ({ ...neighbour, slope: mul(neighbour.slope, factor) }));
  if (how.mode === "nearest") {
    const whole = b.op("Round", [position]);
    const ones = b.fill(1, grid);
    const place = how.padding === "reflection" ? reflected(b, whole, size, how).position : whole;
    return how.padding === "zeros"
      ? [within(b, { place, weight: ones, slope: ones }, size)]
      : [{ place: clamped(b, place, size), weight: ones, slope: ones }];
  }
  if (how.mode === "cubic") {
    return scaled(
      cubicTaps(b, position).map((tap) => {
        if (how.padding === "zeros") {
          return within(b, tap, size);
        }
        const place =
          how.padding === "border" ? tap.place : reflected(b, tap.place, size, how).position;
        return { ...tap, place: clamped(b, place, size) };
      }),
      pixelsPerUnit,
    );
  }
  if (how.padding === "zeros") {
    return scaled(linearNeighbours(b, position, size), pixelsPerUnit);
  }
  const { position: kept, sign } = moveInside(b, position, size, how);
  return scaled(linearNeighbours(b, kept, size), mul(sign, pixelsPerUnit));
}

/** Positions moved to the image, with the derivative of the move: 1, −1, or 0 at the border and beyond. */
function moveInside(b: GraphBuilder, position: Value, size: number, how: Sampling) {
  const { greater, less, where } = arithmetic(b);
  const moved =
    how.padding === "reflection"
      ? reflected(b, position, size, how)
      : { position, sign: b.fill(1, position) };
  const isInside = b.op("And", [greater(moved.position, 0), less(moved.position, size - 1)]);
  return {
    position: clamped(b, moved.position, size),
    sign: where(isInside, moved.sign, 0),
  };
}

/** Positions reflected until they lie between the edges, with the derivative: a wave of slopes 1 and −1. */
function reflected(b: GraphBuilder, position: Value, size: number, { alignsCorners }: Sampling) {
  const { add, div, less, mul, sub, where } = arithmetic(b);
  const [low, span] = alignsCorners ? [0, size - 1] : [-0.5, size];
  if (span === 0) {
    return { position: b.fill(0, position), sign: b.fill(0, position) };
  }
  const fromEdge = sub(position, low);
  const periods = b.op("Floor", [div(fromEdge, 2 * span)]);
  const inPeriod = sub(fromEdge, mul(periods, 2 * span));
  const distance = b.op("Abs", [sub(inPeriod, span)]);
  return {
    position: add(sub(span, distance), low),
    sign: where(less(inPeriod, span), b.fill(1, position), -1),
  };
}

/** The four neighbours of cubic convolution (a = −0.75), wherever they lie. */
function cubicTaps(b: GraphBuilder, position: Value): Neighbour[] {
  const { add, sub } = arithmetic(b);
  const a = -0.75;
  const low = b.op("Floor", [position]);
  const t = sub(position, low);
  const rest = sub(1, t);
  // Polynomials in the distance, highest power first: beyond one pixel and within it.
  const [far, near] = [
    [a, -5 * a, 8 * a, -4 * a],
    [a + 2, -(a + 3), 0, 1],
  ];
  const tap = (offset: number, distance: Value, polynomial: readonly number[], sign: number) => ({
    place: add(low, offset),
    weight: horner(b, distance, polynomial),
    slope: horner(
      b,
      distance,
      derivative(polynomial).map((factor) => factor * sign),
    ),
  });
  return [
    tap(-1, add(t, 1), far, 1),
    tap(0, t, near, 1),
    tap(1, rest, near, -1),
    tap(2, add(rest, 1), far, -1),
  ];
}

function horner(b: GraphBuilder, x: Value, [first, ...others]: readonly number[]): Value {
  const { add, mul } = arithmetic(b);
  return others.reduce<Value>(
    (sum, factor) => add(mul(sum, x), factor),
    b.fill(first as number, x),
  );
}

function derivative(polynomial: readonly number[]): number[] {
  const degree = polynomial.length - 1;
  return polynomial.slice(0, -1).map((factor, i) => factor * (degree - i));
}

function gridGradient(c: RuleContext, axes: readonly SampledAxis[], image: Value, g: Value): Value {
  const { b } = c;
  const perAxis = sampleGradients(b, axes, image, g).positions();
  const columns = perAxis
    .toReversed()
    .map((slope) => b.reshape(slope, [slope.dims[0] as number, slope.dims[2] as number, 1]));
  return b.reshape(b.op("Concat", columns, { axis: 2 }), c.x(1).dims);
}
