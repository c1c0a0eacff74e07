import { isFloat } from "@onnx-asma/autodiff";
import { axisBefore, GraphWalk, movers, type GraphNode } from "./graph-walk.ts";

/** The float tensor behind an output's last activation. */
export interface ScoreWalk {
  readonly scores: string;
  /** Axis of the classes, where a softmax or argmax tells it. */
  readonly axis: number | undefined;
  /** The border on `scores`, of one on the value the walk started from. */
  readonly border: number | undefined;
  /** Activations passed, from the scores on. */
  readonly through: readonly string[];
}

/** Where a walk starts, and what is known there. */
export interface ScoreWalkStart {
  readonly name: string;
  readonly axis?: number | undefined;
  /** Where labels change, if the graph compares with a number. */
  readonly border?: number | undefined;
  /** Whether the largest of several wins, so that only their order counts. */
  readonly isArgmax: boolean;
  /** Whether a value can be the scores: whether it has the dims of an image of classes. */
  readonly isImage: (dims: readonly number[], axis: number | undefined) => boolean;
}

/**
 * Walks back over softmax and sigmoid to what stands before them: there gradients do not vanish where
 * the model is sure, and the order of classes is the same.
 */
export function walkToScores(walk: GraphWalk, start: ScoreWalkStart): ScoreWalk {
  let found: ScoreWalk = {
    scores: start.name,
    axis: start.axis,
    border: start.border,
    through: [],
  };
  let { name, axis, border } = start;
  const isQuantized = !isFloat(walk.resolved.types.get(name)?.dtype ?? "float32");
  for (let node = walk.producer(name); node !== undefined; node = walk.producer(name)) {
    const [input = ""] = node.input;
    const type = walk.resolved.types.get(input);
    if (type === undefined) {
      break;
    }
    if (node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear") {
      if (isQuantized && node.opType === "QuantizeLinear" && found.through.length === 0) {
        // The labels follow from these numbers, ties included; the attack dequantizes them.
        found = { ...found, scores: name, axis };
      }
      name = input;
      continue;
    }
    const isWhole = !isFloat(type.dtype);
    if (isWhole && (node.opType === "Cast" || !movers.has(node.opType))) {
      break;
    }
    if (movers.has(node.opType)) {
      const before = axis === undefined ? undefined : axisBefore(walk, node, axis);
      if (axis !== undefined && before === undefined) {
        break;
      }
      [name, axis] = [input, before];
      continue;
    }
    const passed = passActivation(walk, node, { axis, border, isArgmax: start.isArgmax });
    if (passed === undefined || !start.isImage(type.dims, passed.axis)) {
      break;
    }
    ({ axis, border } = passed);
    name = input;
    found = { scores: input, axis, border, through: [node.opType, ...found.through] };
  }
  return found;
}

interface Known {
  readonly axis: number | undefined;
  readonly border: number | undefined;
}

function passActivation(
  walk: GraphWalk,
  node: GraphNode,
  { axis, border, isArgmax }: Known & { readonly isArgmax: boolean },
): Known | undefined {
  switch (node.opType) {
    case "Softmax":
    case "LogSoftmax": {
      const own = walk.axis(node, -1);
      // A border on a probability of several classes is none on their scores.
      return border !== undefined || (axis !== undefined && axis !== own)
        ? undefined
        : { axis: own, border };
    }
    case "Sigmoid":
      if (border === undefined) {
        return { axis, border };
      }
      return border > 0 && border < 1
        ? { axis, border: Math.log(border / (1 - border)) }
        : undefined;
    case "HardSigmoid": {
      // Flat at its ends: where the largest of several wins, ties there would be broken by its input.
      if (isArgmax) {
        return undefined;
      }
      const at = border ?? 0.5;
      const [alpha, beta] = [walk.float(node, "alpha", 0.2), walk.float(node, "beta", 0.5)];
      return at > 0 && at < 1 && alpha > 0 ? { axis, border: (at - beta) / alpha } : undefined;
    }
    default:
      return undefined;
  }
}

/** Operators that keep values within the range of their first input. */
const keepsRange = new Set([
  ...movers,
  "QuantizeLinear",
  "DequantizeLinear",
  "Resize",
  "Slice",
  "Gather",
  "AveragePool",
  "MaxPool",
  "Split",
  "Crop",
]);

/** What makes a value a probability: "Sigmoid", "Softmax", …; `undefined` when nothing tells. */
export function probabilityEvidence(walk: GraphWalk, output: string): string | undefined {
  let name = output;
  for (let node = walk.producer(name); node !== undefined; node = walk.producer(name)) {
    const [input = "", low = "", high = ""] = node.input;
    if (["Sigmoid", "HardSigmoid", "Softmax"].includes(node.opType)) {
      return node.opType;
    }
    if (node.opType === "Clip" && walk.scalar(low) === 0 && walk.scalar(high) === 1) {
      return "Clip";
    }
    const isLinear = node.opType !== "Resize" || walk.string(node, "mode", "nearest") !== "cubic";
    if (!keepsRange.has(node.opType) || !isLinear) {
      return undefined;
    }
    name = input;
  }
  return undefined;
}
