import { isFloat } from "@onnx-asma/autodiff";
import type { GraphNode, GraphWalk } from "./graph-walk.ts";
import { evidenceOf } from "./find-evidence.ts";

/** What an operator decides on labels by. */
export interface LabelDecision {
  /** The largest wins (`argmax`), also as one channel per class (`one-hot`), or a border (`threshold`). */
  readonly kind: "argmax" | "one-hot" | "threshold";
  /** What is decided on. */
  readonly scores: string;
  /** Axis along which the largest wins. */
  readonly axis: number | undefined;
  readonly border: number;
  /** −1 where the decision is "below the border". */
  readonly sign: 1 | -1;
}

/**
 * Reads an operator that decides on labels; `undefined` for any other.
 *
 * @param name the output of `node` that holds the labels
 */
export function readDecision(
  walk: GraphWalk,
  node: GraphNode,
  name: string,
): LabelDecision | undefined {
  const found = readKind(walk, node, name);
  return found && { axis: undefined, border: 0, sign: 1, ...found };
}

type Found = Pick<LabelDecision, "kind" | "scores"> & Partial<LabelDecision>;

function readKind(walk: GraphWalk, node: GraphNode, name: string): Found | undefined {
  const [first = "", second = ""] = node.input;
  switch (node.opType) {
    case "ArgMax":
      return { kind: "argmax", scores: first, axis: walk.axis(node, 0) };
    case "TopK": {
      const isLargest = walk.int(node, "largest", 1) === 1 && walk.scalar(second) === 1;
      return isLargest && node.output[1] === name
        ? { kind: "argmax", scores: first, axis: walk.axis(node, -1) }
        : undefined;
    }
    case "Equal":
      return maximumOf(walk, first, second) ?? maximumOf(walk, second, first);
    case "Round": {
      const { low, high } = evidenceOf(walk, first) ?? {};
      return low === 0 && high === 1
        ? { kind: "threshold", scores: first, border: 0.5 }
        : undefined;
    }
    case "Greater":
    case "GreaterOrEqual":
    case "Less":
    case "LessOrEqual": {
      const isGreater = node.opType.startsWith("Greater");
      const [left, right] = [walk.scalar(first), walk.scalar(second)];
      const isScores = (value: string) => {
        const dtype = walk.resolved.types.get(value)?.dtype;
        return dtype !== undefined && isFloat(dtype);
      };
      // Quantized numbers are compared as they are, the attack dequantizes them.
      const borderOn = (value: string, number: number) => {
        const quantized = walk.quantization(value);
        return quantized && !isScores(value)
          ? quantized.scale * (number - quantized.zeroPoint)
          : number;
      };
      const canBe = (value: string) => isScores(value) || walk.quantization(value) !== undefined;
      if (right !== undefined && canBe(first)) {
        const border = borderOn(first, right);
        return { kind: "threshold", scores: first, border, sign: isGreater ? 1 : -1 };
      }
      return left !== undefined && canBe(second)
        ? {
            kind: "threshold",
            scores: second,
            border: borderOn(second, left),
            sign: isGreater ? -1 : 1,
          }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** Scores that are compared with their own maximum. */
function maximumOf(walk: GraphWalk, scores: string, maximum: string): Found | undefined {
  const node = walk.producer(maximum);
  const axis =
    node?.opType === "ReduceMax" && node.input[0] === scores ? walk.reducedAxis(node) : undefined;
  return axis === undefined ? undefined : { kind: "one-hot", scores, axis };
}
