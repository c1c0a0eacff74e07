import { readActivation } from "./activation.ts";
import { axisThrough, movers, type GraphNode, type GraphWalk } from "./graph-walk.ts";

/** What saturates on the way to an output. */
export interface Saturating {
  /** "Softmax", "Sigmoid", … */
  readonly by: string;
  /** The value in which gradients vanish. */
  readonly value: string;
  /** What stands before it, of the same dims, where they do not. */
  readonly input: string;
  /** Whether it is flat at its ends, which are `low` and `high`. */
  readonly isFlat: boolean;
  readonly low: number;
  readonly high: number;
  /** Axis along which its classes exclude each other. */
  readonly axis?: number | undefined;
  /** What saturates before `input`. */
  readonly before: readonly Saturating[];
}

/** What the graph tells of the numbers of a value. */
export interface Evidence {
  /** What tells it: "Softmax", "Sigmoid", "Clip", … */
  readonly by: string;
  /** The smallest and the largest number that there can be; the border lies halfway. */
  readonly low: number;
  readonly high: number;
  /** Whether the numbers are logarithms of those between `low` and `high`. */
  readonly isLog?: boolean;
  /** Axis along which classes exclude each other. */
  readonly axis: number | undefined;
  readonly saturating: readonly Saturating[];
}

/** Where a channel changes its label: halfway. */
export function middleOf({ low, high, isLog }: Evidence): number {
  const middle = (low + high) / 2;
  return isLog === true ? Math.log(middle) : middle;
}

/** Operators that keep numbers within the range of their first input. */
const keepsRange: ReadonlySet<string> = new Set([
  ...movers,
  "QuantizeLinear",
  "DequantizeLinear",
  "Resize",
  "Upsample",
  "Slice",
  "Gather",
  "AveragePool",
  "MaxPool",
  "Split",
  "Crop",
  "Round",
  "Floor",
]);

/**
 * What tells that numbers are probabilities, or lie in a known range: softmax and sigmoid (also spelled out),
 * through resizing, means, sums, factors, min–max normalization and clipping; `undefined` when nothing does.
 */
export function evidenceOf(walk: GraphWalk, name: string): Evidence | undefined {
  if (!walk.found.has(name)) {
    walk.found.set(name, findEvidence(walk, name));
  }
  return walk.found.get(name) as Evidence | undefined;
}

function findEvidence(walk: GraphWalk, name: string): Evidence | undefined {
  const node = walk.producer(name);
  if (node === undefined) {
    return undefined;
  }
  const activation = readActivation(walk, node);
  if (activation !== undefined) {
    const { by, input, axis } = activation;
    const isLog = by === "LogSoftmax";
    const range = { low: by === "Tanh" ? -1 : 0, high: 1 };
    return {
      by,
      ...range,
      isLog,
      axis,
      saturating: isLog
        ? []
        : [{ by, value: name, input, ...range, axis, isFlat: true, before: [] }],
    };
  }
  const [first = "", second = ""] = node.input;
  switch (node.opType) {
    case "Clip":
      return clipped(walk, node, name);
    case "Exp":
    case "Log": {
      const inner = evidenceOf(walk, first);
      const isLog = node.opType === "Log";
      return inner && (inner.isLog ?? false) !== isLog ? { ...inner, isLog } : undefined;
    }
    case "Div":
      return normalized(walk, name, first, second) ?? combined(walk, node);
    case "Add":
    case "Sub":
    case "Mul":
    case "Sum":
    case "Mean":
    case "Max":
    case "Min":
    case "Concat":
    case "MatMul":
    case "Einsum":
      return combined(walk, node);
    case "ReduceMean":
    case "ReduceSum":
    case "ReduceMax":
    case "ReduceMin": {
      const inner = evidenceOf(walk, first);
      const axis = walk.reducedAxis(node);
      // The largest probability says how sure the model is, not of what.
      if (inner === undefined || axis === undefined || axis === inner.axis) {
        return undefined;
      }
      const count = node.opType === "ReduceSum" ? (walk.dims(first)?.[axis] ?? 1) : 1;
      return {
        ...inner,
        low: inner.low * count,
        high: inner.high * count,
        axis: inner.axis && inner.axis - Number(axis < inner.axis && isDropped(walk, node)),
      };
    }
    default: {
      const inner = keepsRange.has(node.opType) ? evidenceOf(walk, first) : undefined;
      const isCut = node.opType === "Floor" || (node.opType === "Cast" && !walk.isFloat(name));
      const cut = isCut ? Math.floor : (x: number) => x;
      return (
        inner && {
          ...inner,
          low: cut(inner.low),
          high: cut(inner.high),
          axis: axisThrough(walk, node, inner.axis, false),
        }
      );
    }
  }
}

function isDropped(walk: GraphWalk, node: GraphNode): boolean {
  return walk.int(node, "keepdims", 1) === 0;
}

function clipped(walk: GraphWalk, node: GraphNode, value: string): Evidence | undefined {
  const [input = "", min = "", max = ""] = node.input;
  const inner = evidenceOf(walk, input);
  if (inner !== undefined) {
    // Against rounding and overshooting; what cuts more off moves no border.
    return inner;
  }
  const low = walk.scalar(min) ?? walk.float(node, "min", Number.NaN);
  const high = walk.scalar(max) ?? walk.float(node, "max", Number.NaN);
  return high > low
    ? {
        by: "Clip",
        low,
        high,
        axis: undefined,
        saturating: [{ by: "Clip", value, input, low, high, isFlat: true, before: [] }],
      }
    : undefined;
}

/** (s − min s) ÷ (max s − min s), and p ÷ Σ p of whatever p; a number in the divisor is passed over. */
function normalized(
  walk: GraphWalk,
  value: string,
  dividend: string,
  divisor: string,
): Evidence | undefined {
  const [input = "", least = ""] = inputsOf(walk, dividend, "Sub");
  const [a = "", b = ""] = inputsOf(walk, divisor, "Add");
  const extent = walk.scalar(a) !== undefined ? b : walk.scalar(b) !== undefined ? a : divisor;
  const [most = "", lower = ""] = inputsOf(walk, extent, "Sub");
  const range = { low: 0, high: 1, axis: undefined };
  const sum = walk.producer(extent);
  if (sum?.opType === "ReduceSum" && sum.input[0] === dividend) {
    const saturating = evidenceOf(walk, dividend)?.saturating ?? [];
    return { ...range, by: "normalization", axis: walk.reducedAxis(sum), saturating };
  }
  const by = "min–max normalization";
  const before = evidenceOf(walk, input)?.saturating ?? [];
  return isExtremum(walk, least, "ReduceMin", input) &&
    isExtremum(walk, most, "ReduceMax", input) &&
    isExtremum(walk, lower, "ReduceMin", input)
    ? { ...range, by, saturating: [{ ...range, by, value, input, isFlat: false, before }] }
    : undefined;
}

function inputsOf(walk: GraphWalk, name: string, opType: string): readonly string[] {
  return walk.is(name, opType) ? (walk.producer(name)?.input ?? []) : [];
}

function isExtremum(walk: GraphWalk, name: string, opType: string, of: string): boolean {
  const unmoved = (value: string): string => {
    const node = walk.producer(value);
    return node !== undefined && movers.has(node.opType) ? unmoved(node.input[0] ?? "") : value;
  };
  const at = unmoved(name);
  const [input = ""] = inputsOf(walk, at, opType);
  return (
    walk.is(at, opType) && (unmoved(input) === unmoved(of) || isExtremum(walk, input, opType, of))
  );
}

/** Arithmetic of ranges; `undefined` unless all are known and one is no constant. */
function combined(walk: GraphWalk, node: GraphNode): Evidence | undefined {
  const { opType, input } = node;
  const parts: Evidence[] = [];
  for (const name of input) {
    const constant = walk.scalar(name);
    const part =
      constant === undefined
        ? evidenceOf(walk, name)
        : { by: "", low: constant, high: constant, axis: undefined, saturating: [] };
    if (part === undefined || part.isLog === true) {
      return undefined;
    }
    parts.push(part);
  }
  const telling = parts.filter(({ by }) => by !== "");
  const [first] = telling;
  if (first === undefined) {
    return undefined;
  }
  const compute = arithmetic[opType];
  const [low, high] = parts
    .map((part) => [part.low, part.high] as const)
    .reduce((a, b) => {
      const found =
        compute === undefined ? [...a, ...b] : a.flatMap((x) => b.map((y) => compute(x, y)));
      return [Math.min(...found), Math.max(...found)];
    });
  const isFalling = opType === "Sub" ? telling.at(-1) === parts[1] : parts.some((p) => p.high < 0);
  const isShared = !isFalling && telling.every(({ axis }) => axis === first.axis);
  const count = opType === "Mean" ? input.length : 1;
  const saturating = telling.flatMap((part) => part.saturating);
  return {
    by: first.by,
    low: low / count,
    high: high / count,
    axis:
      opType === "Concat"
        ? concatenated(walk, node, first.axis)
        : // Classes of queries × their masks, in that order.
          products.has(opType)
          ? 1
          : isShared
            ? first.axis
            : undefined,
    saturating: saturating.filter(
      ({ value }, i) => saturating.findIndex((other) => other.value === value) === i,
    ),
  };
}

const products: ReadonlySet<string> = new Set(["MatMul", "Einsum"]);

const arithmetic: Readonly<Record<string, ((a: number, b: number) => number) | undefined>> = {
  Add: (a, b) => a + b,
  Sum: (a, b) => a + b,
  Mean: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  MatMul: (a, b) => a * b,
  Einsum: (a, b) => a * b,
};

/** The axis of classes behind [1 − p, p], or of equal ones side by side along another. */
function concatenated(
  walk: GraphWalk,
  node: GraphNode,
  axis: number | undefined,
): number | undefined {
  const along = walk.axis(node, 1);
  const [a = "", b = "", ...others] = node.input;
  const isOpposite = (x: string, y: string) => {
    const [one = "", rest] = inputsOf(walk, x, "Sub");
    return rest === y && walk.scalar(one) === 1;
  };
  const arePair = others.length === 0 && (isOpposite(a, b) || isOpposite(b, a));
  return axis === undefined ? (arePair ? along : undefined) : axis === along ? undefined : axis;
}
