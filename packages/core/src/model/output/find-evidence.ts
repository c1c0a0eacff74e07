import { oddsOf, readActivation } from "./activation.ts";
import { combineEvidence } from "./combine-evidence.ts";
import { movers, type GraphNode, type GraphWalk } from "./graph-walk.ts";
import { middleOf, type Evidence } from "./evidence.ts";
import { pickThrough } from "./pick-through.ts";

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
    const { by, input, axis, before } = activation;
    const inner = axis === undefined ? evidenceOf(walk, input) : undefined;
    if (inner?.axis === undefined && inner !== undefined && !(inner.low < 0 && inner.high > 0)) {
      // A probability taken for a logit fills half of the range at most.
      return undefined;
    }
    const isLog = by === "LogSoftmax";
    const range = { low: by === "Tanh" ? -1 : 0, high: 1 };
    return {
      by,
      ...range,
      isLog,
      axis,
      saturating: isLog
        ? []
        : [
            {
              by,
              value: name,
              input,
              axis,
              middle: axis === undefined ? before((range.low + range.high) / 2) : 0,
              before: [],
            },
          ],
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
      return normalized(walk, name, first, second) ?? odds(walk, node) ?? combined(walk, node);
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
      const entries = walk.dims(first)?.[axis] ?? 1;
      const { picked } = inner;
      const isShare = axis === picked?.axis && node.opType !== "ReduceMax";
      const isSum = node.opType === "ReduceSum";
      const isCount = isSum && axis > 0 && entries > 1 && inner.axis === undefined;
      // Neither shares of something else than a whole, nor how many of several hold, have a border.
      if (
        (isShare && (inner.low !== 0 || node.opType === "ReduceMin")) ||
        ((isShare || isSum) && (inner.isLog ?? inner.isOdds ?? false)) ||
        (!isShare && isCount)
      ) {
        return undefined;
      }
      const count = isShare ? (isSum ? 1 : 1 / entries) : isSum ? entries : 1;
      return {
        ...inner,
        low: inner.low * count,
        high: inner.high * count,
        axis: inner.axis && inner.axis - Number(axis < inner.axis && isDropped(walk, node)),
        picked: isShare ? picked && { ...picked, axis: undefined } : undefined,
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
          ...pickThrough(walk, node, name, inner),
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
  const low = walk.scalar(min) ?? walk.float(node, "min", Number.NaN);
  const high = walk.scalar(max) ?? walk.float(node, "max", Number.NaN);
  const cut = {
    low: inner !== undefined && !(low > inner.low) ? inner.low : low,
    high: inner !== undefined && !(high < inner.high) ? inner.high : high,
  };
  if (inner !== undefined) {
    // Against rounding and overshooting; as much cut off at both ends moves no border.
    const isPlain = inner.isLog !== true && inner.isOdds !== true;
    const moved = Math.abs(cut.low + cut.high - inner.low - inner.high);
    if (isPlain ? moved <= 0.02 * (inner.high - inner.low) : isInside(middleOf(inner), low, high)) {
      return inner;
    }
    if (!isPlain || cut.low !== 0 || (cut.high !== 1 && cut.high !== 255)) {
      return undefined;
    }
  }
  const before = inner?.saturating ?? [];
  return cut.high > cut.low
    ? {
        by: "Clip",
        ...cut,
        axis: undefined,
        saturating: [{ by: "Clip", value, input, middle: (cut.low + cut.high) / 2, before }],
      }
    : undefined;
}

/** Limits that are none are NaN. */
function isInside(x: number, low: number, high: number): boolean {
  return !(x <= low) && !(x >= high);
}

/** p ÷ (1 − p) of a probability p */
function odds(walk: GraphWalk, node: GraphNode): Evidence | undefined {
  const p = oddsOf(walk, node);
  const inner = p === undefined ? undefined : evidenceOf(walk, p);
  return inner?.low === 0 && inner.high === 1 && !(inner.isLog ?? inner.isOdds ?? false)
    ? { ...inner, isOdds: true }
    : undefined;
}

function combined(walk: GraphWalk, node: GraphNode): Evidence | undefined {
  return combineEvidence(
    walk,
    node,
    node.input.map((name) => evidenceOf(walk, name)),
  );
}

/** (s − min s) ÷ (max s − min s), and p ÷ Σ p of whatever p; a number in the divisor is passed over. */
function normalized(
  walk: GraphWalk,
  value: string,
  dividend: string,
  divisor: string,
): Evidence | undefined {
  const [input = "", least = ""] = walk.inputsOf(dividend, "Sub");
  const [a = "", b = ""] = walk.inputsOf(divisor, "Add");
  const extent = walk.scalar(a) !== undefined ? b : walk.scalar(b) !== undefined ? a : divisor;
  const [most = "", lower = ""] = walk.inputsOf(extent, "Sub");
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
    ? { ...range, by, saturating: [{ by, value, input, middle: undefined, before }] }
    : undefined;
}

function isExtremum(walk: GraphWalk, name: string, opType: string, of: string): boolean {
  const unmoved = (value: string): string => {
    const node = walk.producer(value);
    return node !== undefined && movers.has(node.opType) ? unmoved(node.input[0] ?? "") : value;
  };
  const at = unmoved(name);
  const [input = ""] = walk.inputsOf(at, opType);
  return (
    walk.is(at, opType) && (unmoved(input) === unmoved(of) || isExtremum(walk, input, opType, of))
  );
}
