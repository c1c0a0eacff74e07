import type { GraphNode, GraphWalk } from "./graph-walk.ts";

/** What makes scores a probability, or the like: of equal dims before and after, the order kept. */
export interface Activation {
  /** "Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid" or "Tanh", also where it is spelled out. */
  readonly by: string;
  /** The scores. */
  readonly input: string;
  /** Axis along which classes exclude each other. */
  readonly axis?: number | undefined;
  /** The number before it that becomes `border`; not finite where there is none. */
  readonly before: (border: number) => number;
}

const logit = (p: number) => Math.log(p / (1 - p));

/** Reads an activation, as an operator or spelled out as exporters do; `undefined` for anything else. */
export function readActivation(walk: GraphWalk, node: GraphNode): Activation | undefined {
  const [input = "", divisor = ""] = node.input;
  switch (node.opType) {
    case "Softmax":
    case "LogSoftmax":
      return softmax(walk, input, walk.axis(node, -1), node.opType);
    case "Sigmoid":
      return sigmoid(input);
    case "HardSigmoid": {
      const [alpha, beta] = [walk.float(node, "alpha", 0.2), walk.float(node, "beta", 0.5)];
      const before = (y: number) => (y > 0 && y < 1 && alpha > 0 ? (y - beta) / alpha : Number.NaN);
      return { by: node.opType, input, before };
    }
    case "Tanh":
      return { by: node.opType, input, before: Math.atanh };
    case "Reciprocal":
      return oppositeExponent(walk, input);
    case "Div": {
      const exponent = exponentOf(walk, input);
      const sum = walk.producer(divisor);
      if (exponent === undefined) {
        return walk.scalar(input) === 1 ? oppositeExponent(walk, divisor) : undefined;
      }
      if (sum?.opType === "ReduceSum" && sum.input[0] === input) {
        return softmax(walk, exponent, walk.reducedAxis(sum));
      }
      return plusOne(walk, divisor) === input ? sigmoid(exponent) : undefined;
    }
    default:
      return undefined;
  }
}

function sigmoid(input: string): Activation {
  return { by: "Sigmoid", input, before: logit };
}

/** A border on a probability of several classes is none on their scores; of one class it is always 1. */
function softmax(
  walk: GraphWalk,
  input: string,
  axis: number | undefined,
  by = "Softmax",
): Activation | undefined {
  return axis === undefined || walk.dims(input)?.[axis] === 1
    ? undefined
    : { by, input, axis, before: () => Number.NaN };
}

/** The p of p ÷ (1 − p). */
export function oddsOf(walk: GraphWalk, { opType, input }: GraphNode): string | undefined {
  const [p = "", rest = ""] = input;
  return opType === "Div" && walk.isOpposite(rest, p) ? p : undefined;
}

/** x of eˣ, also where the largest x is taken off first. */
function exponentOf(walk: GraphWalk, name: string): string | undefined {
  const node = walk.producer(name);
  const [x = ""] = node?.input ?? [];
  const [scores = "", most = ""] = walk.producer(x)?.input ?? [];
  const isShifted = walk.is(x, "Sub") && walk.is(most, "ReduceMax");
  return node?.opType !== "Exp"
    ? undefined
    : isShifted && walk.producer(most)?.input[0] === scores
      ? scores
      : x;
}

/** What 1 is added to. */
function plusOne(walk: GraphWalk, name: string): string | undefined {
  const [a = "", b = ""] = walk.is(name, "Add") ? (walk.producer(name)?.input ?? []) : [];
  return walk.scalar(a) === 1 ? b : walk.scalar(b) === 1 ? a : undefined;
}

/** The sigmoid that 1 ÷ (1 + e⁻ˣ) is. */
function oppositeExponent(walk: GraphWalk, divisor: string): Activation | undefined {
  const opposite = exponentOf(walk, plusOne(walk, divisor) ?? "");
  const node = walk.producer(opposite ?? "");
  const [a = "", b = ""] = node?.input ?? [];
  const isOpposite = node?.opType === "Neg" || (node?.opType === "Mul" && walk.scalar(b) === -1);
  return isOpposite ? sigmoid(a) : undefined;
}
