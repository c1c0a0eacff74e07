import type { NodeProto } from "onnx-buf";
import { intAttribute } from "./attribute.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./value.ts";

/**
 * ONNX Runtime's CPU provider keeps channels in blocks of 8 or 16 between convolutions, and converts
 * back and forth around every operator outside of a short list. The functions here write masks, zero
 * padding and channel slices with operators of that list. They give the same numbers as the plain
 * forms and are used for the target "cpu" only.
 */

const blocked = new Set([
  "Conv",
  "Relu",
  "Clip",
  "Add",
  "Mul",
  "BatchNormalization",
  "Sigmoid",
  "MaxPool",
  "AveragePool",
]);

/** Whether a value is likely to be in blocked layout when it is computed. */
export function isBlocked(b: GraphBuilder, value: Value): boolean {
  if (b.target !== "cpu") {
    return false;
  }
  const known = answers.get(b) ?? new Map<string, boolean>();
  answers.set(b, known);
  // Elementwise operators and pools are blocked when what they read is; chains may be long.
  const pending = [value];
  for (let at = pending.at(-1); at !== undefined; at = pending.at(-1)) {
    if (known.has(at.name)) {
      pending.pop();
      continue;
    }
    const producer = eligibleProducer(b, at);
    const inputs = producer?.opType === "Conv" ? [] : (producer?.input ?? []);
    const read = inputs.filter((name) => name !== "" && b.has(name));
    const open = read.filter((name) => !known.has(name));
    if (open.length > 0) {
      pending.push(...open.map((name) => b.value(name)));
    } else {
      const isConv = producer?.opType === "Conv";
      known.set(at.name, isConv || read.some((name) => known.get(name) === true));
      pending.pop();
    }
  }
  return known.get(value.name) === true;
}

const answers = new WeakMap<GraphBuilder, Map<string, boolean>>();

/** The node that computes a value, if the value and the node can be in blocked layout. */
function eligibleProducer(b: GraphBuilder, value: Value): NodeProto | undefined {
  const { dtype, dims } = value;
  const isEligible = dtype === "float32" && dims.length === 4 && (dims[1] as number) % 16 === 0;
  const producer = isEligible ? b.producer(value) : undefined;
  return producer !== undefined && blocked.has(producer.opType) ? producer : undefined;
}

/** 1 where y > 0, 0 elsewhere; exact for y ≥ 2⁻¹⁰⁰. A depthwise convolution with clipping fused into it. */
export function positiveMask(b: GraphBuilder, y: Value): Value {
  return b.op("Clip", [scaleChannels(b, y, 2 ** 100), b.scalar(0), b.scalar(1)]);
}

/** Zero padding of height and width ([top, left, bottom, right]), as a depthwise convolution. */
export function padWithZeros(b: GraphBuilder, x: Value, pads: readonly number[]): Value {
  return scaleChannels(b, x, 1, pads);
}

function scaleChannels(b: GraphBuilder, x: Value, factor: number, pads?: readonly number[]): Value {
  const channels = x.dims[1] as number;
  const weights = b.constant(
    "float32",
    [channels, 1, 1, 1],
    Array.from({ length: channels }, () => factor),
    "channel_scale",
  );
  return b.op("Conv", [x, weights], { kernel_shape: [1, 1], group: channels, pads });
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
