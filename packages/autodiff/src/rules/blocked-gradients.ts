import type { NodeProto } from "../model/onnx-messages.ts";
import { intAttribute } from "../graph/attribute.ts";
import { isBlocked, scaleChannels } from "../graph/blocked-layout.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/** 1 where y > 0, 0 elsewhere; exact for y ≥ 2⁻¹⁰⁰. A depthwise convolution with clipping fused into it. */
export function positiveMask(b: GraphBuilder, y: Value): Value {
  return b.op("Clip", [scaleChannels(b, y, 2 ** 100), b.scalar(0), b.scalar(1)]);
}

/**
 * The gradient of a max pool whose windows tile x: dy at the first maximum of each window in row-major
 * order, 0 elsewhere. With ⇑ for nearest upsampling and p = k₀k₁ … 1 over each window:
 *
 *     s  = max(0, 2⁸⁰(x − ⇑y) + p)        p at every maximum, 0 elsewhere
 *     dx = max(0, 1 + s − ⇑maxpool(s)) · ⇑dy
 *
 * Exact for |x| < 2⁴⁸ where maxima differ from the rest by 2⁻⁷⁷ or more. `undefined` when the graph
 * has no input to keep p from being folded (a folded p would take the memory of x).
 */
export function unpoolInBlocks(
  b: GraphBuilder,
  x: Value,
  y: Value,
  dy: Value,
  kernel: readonly number[],
): Value | undefined {
  const pattern = tiePattern(b, x, kernel);
  if (pattern === undefined) {
    return undefined;
  }
  const far = 2 ** 80;
  const up = (value: Value) => b.upsample(value, kernel);
  const below = b.op("Add", [scaleChannels(b, x, far), up(scaleChannels(b, y, -far))]);
  const maxima = b.op("Relu", [b.op("Add", [pattern, below])]);
  const first = b.op("MaxPool", [maxima], { kernel_shape: [...kernel], strides: [...kernel] });
  const later = up(scaleChannels(b, first, -1, undefined, 1));
  const mask = b.op("Relu", [b.op("Add", [scaleChannels(b, maxima, 1), later])]);
  return b.op("Mul", [mask, up(dy)]);
}

/** k₀k₁, …, 2, 1 over each window, in every channel of x. */
function tiePattern(b: GraphBuilder, x: Value, kernel: readonly number[]): Value | undefined {
  const [n, channels, height, width] = x.dims as [number, number, number, number];
  const [rows, columns] = kernel as [number, number];
  const count = rows * columns;
  const window = b.constant(
    "float32",
    [1, 1, rows, columns],
    Array.from({ length: count }, (_, i) => count - i),
  );
  const varying = b.atEveryRun(window);
  const repeats = b.ints([n, 1, height / rows, width / columns]);
  const ones = b.constant(
    "float32",
    [channels, 1, 1, 1],
    Array.from({ length: channels }, () => 1),
    "channel_scale",
  );
  return (
    varying &&
    b.op("Conv", [b.op("Tile", [varying, repeats]), ones], { kernel_shape: [1, 1], group: 1 })
  );
}

/**
 * Channels `start` to `end` of a convolution's result: the convolution by those rows of its weights.
 * `undefined` when the value is something else.
 */
export function sliceConvolution(
  b: GraphBuilder,
  value: Value,
  start: number,
  end: number,
): Value | undefined {
  const node: NodeProto | undefined = b.producer(value);
  const isSliceable =
    isBlocked(b, value) &&
    node?.opType === "Conv" &&
    intAttribute(node, "group", 1) === 1 &&
    node.input.length === 2 &&
    (end - start) % 16 === 0;
  if (!isSliceable) {
    return undefined;
  }
  const [x, weights] = node.input as [string, string];
  return b.opLike(
    node,
    [b.value(x), b.slice(b.value(weights), [0], [start], [end])],
    [value.dims[0] as number, end - start, ...value.dims.slice(2)],
  );
}
