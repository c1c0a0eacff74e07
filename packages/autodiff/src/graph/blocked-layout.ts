import type { NodeProto } from "../model/onnx-messages.ts";
import type { GraphAppender } from "./graph-appender.ts";
import type { Value } from "./value.ts";

/**
 * ONNX Runtime's CPU provider keeps channels in blocks of 8 or 16 between convolutions, and converts
 * back and forth around every operator outside of a short list. The functions here, and the gradients in
 * `rules/blocked-gradients.ts`, write zero padding, masks and channel slices with operators of that
 * list. They give the same numbers as the plain forms and are used for the target "cpu" only.
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
  "Resize",
]);

/** Whether a value is likely to be in blocked layout when it is computed. */
export function isBlocked(b: GraphAppender, value: Value): boolean {
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

const answers = new WeakMap<GraphAppender, Map<string, boolean>>();

/** The node that computes a value, if the value and the node can be in blocked layout. */
function eligibleProducer(b: GraphAppender, value: Value): NodeProto | undefined {
  const { dtype, dims } = value;
  const isEligible = dtype === "float32" && dims.length === 4 && (dims[1] as number) % 16 === 0;
  const producer = isEligible ? b.producer(value) : undefined;
  return producer !== undefined && blocked.has(producer.opType) ? producer : undefined;
}

/** Zero padding of height and width ([top, left, bottom, right]), as a depthwise convolution. */
export function padWithZeros(b: GraphAppender, x: Value, pads: readonly number[]): Value {
  return scaleChannels(b, x, 1, pads);
}

/** A factor (and a bias) for all channels as a depthwise 1×1 convolution. */
export function scaleChannels(
  b: GraphAppender,
  x: Value,
  factor: number,
  pads?: readonly number[],
  bias?: number,
): Value {
  const channels = x.dims[1] as number;
  const all = (dims: readonly number[], number: number) =>
    b.constant(
      "float32",
      dims,
      Array.from({ length: channels }, () => number),
      "channel_scale",
    );
  const inputs = [x, all([channels, 1, 1, 1], factor)];
  return b.op("Conv", bias === undefined ? inputs : [...inputs, all([channels], bias)], {
    kernel_shape: [1, 1],
    group: channels,
    pads,
  });
}
