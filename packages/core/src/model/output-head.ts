import { isFloat, type ResolvedModel, type TensorType } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { Size } from "../image.ts";
import type { Decision } from "./decision.ts";
import type { Layout, ModelOptions } from "./model-options.ts";

/** How the numbers of an output become labels. */
export type Decoding =
  | { readonly kind: "argmax"; readonly classAxis: number }
  | { readonly kind: "threshold"; readonly border: number }
  | { readonly kind: "labels" };

/** What the model predicts with, and the float tensor behind it that is attacked. */
export interface OutputHead {
  /** The declared output that is decoded when the untouched model runs. */
  readonly output: string;
  readonly decoding: Decoding;
  /**
   * The value that the attack raises: the output itself or what stands before its softmax, sigmoid or
   * argmax; float, or made by a QuantizeLinear.
   */
  readonly scores: string;
  /** Axis of the classes in `scores`, `undefined` when it is one channel. */
  readonly classAxis: number | undefined;
  /** Where one channel of `scores` changes its label. */
  readonly border: number;
  /** Number of labels: 2 for one channel. */
  readonly classes: number;
  /** The output grid. */
  readonly size: Size;
}

/** Operators between the scores and the output that move or convert labels without changing them. */
const passThrough = new Set([
  "Identity",
  "Cast",
  "Squeeze",
  "Unsqueeze",
  "Reshape",
  "Dropout",
  "Flatten",
  "QuantizeLinear",
  "DequantizeLinear",
]);

/**
 * Finds the output that segments, what its numbers are, and the float tensor to attack: back from
 * argmax, softmax and sigmoid, where gradients vanish or do not exist.
 *
 * @throws AsmaError `ERR_OUTPUT` when no output is an image of classes
 */
export function findOutputHead(
  resolved: ResolvedModel,
  layout: Layout,
  options: ModelOptions,
  decisions: Decision[],
): OutputHead {
  const output = chooseOutput(resolved, layout, options, decisions);
  const outputType = resolved.types.get(output) as TensorType;
  const walk = walkBack(resolved, output, outputType);
  const type = resolved.types.get(walk.scores) as TensorType;
  // A softmax or argmax tells the axis of the classes; otherwise they are where the channels are.
  const order = walk.axis === undefined ? layout : walk.axis === 3 ? "NHWC" : "NCHW";
  const axes = axesOf(type.dims, order);
  if (axes === undefined) {
    throw notSpatial(
      resolved,
      `'${walk.scores}' before output '${output}' has dims [${type.dims.join(", ")}]`,
    );
  }
  const { classAxis, channels, size } = axes;
  const isBinary = channels === 1;
  const told = options.outputKind ?? "auto";
  const border = isBinary ? borderOf(told, walk) : 0;
  const head: OutputHead = {
    output,
    scores: walk.scores,
    classAxis: isBinary ? undefined : classAxis,
    border,
    classes: isBinary ? 2 : channels,
    size,
    decoding: decodingOf(walk, outputType, order, isBinary, border),
  };
  decisions.push({
    what: "scores",
    is: isBinary
      ? `'${walk.scores}', one channel, class 1 above ${border}`
      : `'${walk.scores}', ${channels} classes, the largest wins`,
    because: told === "auto" ? walk.because : "as told",
    override: "--output-kind",
  });
  return head;
}

interface Walk {
  readonly scores: string;
  readonly through: readonly string[];
  /** Border on a probability, when the model compares with it. */
  readonly threshold: number | undefined;
  /** Axis of four along which a softmax or argmax goes. */
  readonly axis: number | undefined;
  /** Set when the output's numbers are quantized scores: score = scale·(number − zeroPoint). */
  readonly quantized: { readonly scale: number; readonly zeroPoint: number } | undefined;
  readonly because: string;
}

function walkBack(resolved: ResolvedModel, output: string, outputType: TensorType): Walk {
  const producers = new Map(
    resolved.model.graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)),
  );
  const through: string[] = [];
  let scores = output;
  let threshold: number | undefined;
  let axis: number | undefined;
  let quantized: Walk["quantized"];
  let candidate = output;
  for (let node = producers.get(candidate); node !== undefined; node = producers.get(candidate)) {
    const [input = "", second = ""] = node.input;
    const isHead = ["ArgMax", "Softmax", "LogSoftmax", "Sigmoid"].includes(node.opType);
    const isThreshold = ["Greater", "GreaterOrEqual"].includes(node.opType);
    if (isThreshold) {
      const [border] = resolved.constant(second) ?? [];
      if (border === undefined) {
        break;
      }
      threshold = border;
    }
    if (!(isHead || isThreshold || passThrough.has(node.opType)) || node.domain !== "") {
      break;
    }
    candidate = input;
    const type = resolved.types.get(candidate);
    if (type === undefined || (type.dims.length !== 4 && type.dims.length !== 3)) {
      break;
    }
    if (isHead && node.opType !== "Sigmoid" && type.dims.length === 4) {
      axis ??= classAxisOf(node, resolved.model.opset);
    }
    if (isHead || isThreshold) {
      through.push(node.opType);
    }
    const isQuantizer =
      node.opType === "QuantizeLinear" && !isFloat(resolved.types.get(scores)?.dtype ?? "float32");
    if (isQuantizer && through.length === 0) {
      const [[scale] = [], [zeroPoint = 0] = []] = [second, node.input[2] ?? ""].map((name) =>
        resolved.constant(name),
      );
      quantized = scale === undefined ? undefined : { scale, zeroPoint };
    }
    if (isQuantizer) {
      // The labels follow from these, ties included; the attack dequantizes them.
      scores = node.output[0] as string;
    } else if (isFloat(type.dtype) && (isHead || isThreshold)) {
      scores = candidate;
    }
  }
  const isQuantized = producers.get(scores)?.opType === "QuantizeLinear";
  if (scores === output && !isFloat(outputType.dtype) && !isQuantized) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Output '${output}' is a ${outputType.dtype} label map, and no float scores were found before it. Name a float output with --output, or export the model without its last step.`,
    );
  }
  const because =
    through.length === 0
      ? `the output itself, ${isQuantized ? "quantized scores" : "taken as scores"}`
      : `what stands before ${through.toReversed().join(", ")} at the end`;
  return { scores, through, threshold, axis, quantized, because };
}

type GraphNode = ResolvedModel["model"]["graph"]["node"][number];

/** The axis of a Softmax, LogSoftmax or ArgMax, counted from the front of four. */
function classAxisOf(node: GraphNode, opset: number): number {
  const given = node.attribute.find(({ name }) => name === "axis");
  const fallback = node.opType === "ArgMax" ? 0 : opset < 13 ? 1 : -1;
  const axis = given === undefined ? fallback : Number(given.i);
  return axis < 0 ? axis + 4 : axis;
}

function borderOf(told: NonNullable<ModelOptions["outputKind"]>, walk: Walk): number {
  const logit = (p: number) => Math.log(p / (1 - p));
  if (told === "probability") {
    return walk.threshold ?? 0.5;
  }
  if (walk.threshold !== undefined && told === "auto") {
    return walk.through.includes("Sigmoid") ? logit(walk.threshold) : walk.threshold;
  }
  return 0;
}

function decodingOf(
  walk: Walk,
  output: TensorType,
  layout: Layout,
  isBinary: boolean,
  border: number,
): Decoding {
  const { quantized } = walk;
  if (
    walk.through.includes("ArgMax") ||
    walk.threshold !== undefined ||
    (!isFloat(output.dtype) && quantized === undefined)
  ) {
    return { kind: "labels" };
  }
  if (isBinary) {
    const own = walk.through.includes("Sigmoid") ? 1 / (1 + Math.exp(-border)) : border;
    const { scale, zeroPoint } = quantized ?? { scale: 1, zeroPoint: 0 };
    return { kind: "threshold", border: own / scale + zeroPoint };
  }
  return { kind: "argmax", classAxis: layout === "NCHW" ? 1 : output.dims.length - 1 };
}

function axesOf(dims: readonly number[], layout: Layout) {
  const [n, a, b, c] = dims as readonly [number, number, number, number];
  if (n !== 1 || dims.length < 3 || dims.length > 4) {
    return undefined;
  }
  if (dims.length === 3) {
    return { classAxis: undefined, channels: 1, size: [a, b] as const };
  }
  return layout === "NCHW"
    ? { classAxis: 1, channels: a, size: [b, c] as const }
    : { classAxis: 3, channels: c, size: [a, b] as const };
}

function chooseOutput(
  resolved: ResolvedModel,
  layout: Layout,
  options: ModelOptions,
  decisions: Decision[],
): string {
  const names = resolved.model.graph.output.map((output) => output.name);
  if (options.output !== undefined) {
    if (!resolved.types.has(options.output)) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `The model has no output '${options.output}'. Its outputs are ${names.map((n) => `'${n}'`).join(", ")}.`,
      );
    }
    decisions.push({
      what: "output",
      is: `'${options.output}'`,
      because: "as told",
      override: "--output",
    });
    return options.output;
  }
  const spatial = names.flatMap((name) => {
    const type = resolved.types.get(name);
    const axes = type && axesOf(type.dims, layout);
    return axes !== undefined && axes.size[0] > 1 && axes.size[1] > 1
      ? [{ name, pixels: axes.size[0] * axes.size[1] }]
      : [];
  });
  const finest = spatial.toSorted((a, b) => b.pixels - a.pixels)[0];
  if (finest === undefined) {
    throw notSpatial(resolved, "none of its outputs is");
  }
  decisions.push({
    what: "output",
    is: `'${finest.name}'`,
    because:
      names.length === 1 ? "the only one" : `the finest of ${spatial.length} spatial outputs`,
    override: "--output",
  });
  return finest.name;
}

function notSpatial(resolved: ResolvedModel, found: string): AsmaError {
  const listed = resolved.model.graph.output
    .map(({ name }) => {
      const type = resolved.types.get(name);
      return `'${name}' ${type?.dtype ?? "?"}[${type?.dims.join(", ") ?? "?"}]`;
    })
    .join(", ");
  return new AsmaError(
    "ERR_OUTPUT",
    `Expected an output that gives classes for pixels (1, classes, height, width) but ${found}: the model's outputs are ${listed}. This may be a classifier; attacks here need a segmentation model.`,
  );
}
