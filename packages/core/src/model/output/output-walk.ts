import { isFloat } from "@onnx-asma/autodiff";
import { GraphWalk, movers, type GraphNode } from "./graph-walk.ts";
import { nearestIndices } from "../grid/nearest-indices.ts";
import { probabilityEvidence } from "./score-walk.ts";

/** Where the graph itself decides on labels. */
export interface GraphDecision {
  /** The largest wins (`argmax`), also as one channel per class (`one-hot`), or a border (`threshold`). */
  readonly kind: "argmax" | "one-hot" | "threshold";
  /** What is decided on. */
  readonly scores: string;
  /** Axis along which the largest wins. */
  readonly axis: number | undefined;
  readonly border: number;
  /** −1 where the decision is "below the border". */
  readonly sign: 1 | -1;
  /** The output's values at a pixel of a label. */
  readonly values: (label: number) => readonly number[];
  /** For each axis of more than one entry, but the batch, the label that each pixel is taken from. */
  readonly enlarge: readonly (readonly number[])[] | undefined;
  /** Operators passed, from the scores to the output. */
  readonly through: readonly string[];
}

type Values = readonly number[];

/** One operator behind the decision, as a function of a pixel's values. */
interface ValueStep {
  readonly input: string;
  readonly map: (values: Values) => Values;
  readonly enlarge?: readonly (readonly number[])[];
}

/**
 * Walks back from an output over everything that only rewrites labels (conversions, palettes, factors,
 * nearest resizing, slicing) to the operator that decides on them; `undefined` when there is none.
 */
export function findDecision(walk: GraphWalk, output: string): GraphDecision | undefined {
  const maps: ValueStep["map"][] = [];
  const through: string[] = [];
  let enlarge: GraphDecision["enlarge"];
  let name = output;
  for (let node = walk.producer(name); node !== undefined; node = walk.producer(name)) {
    const decision = readDecision(walk, node, name);
    if (decision !== undefined) {
      return {
        axis: undefined,
        border: 0,
        sign: 1,
        ...decision,
        values: (label) => maps.reduce<Values>((values, map) => map(values), [label]),
        enlarge,
        through: [node.opType, ...through],
      };
    }
    const step = readValueStep(walk, node);
    if (step === undefined) {
      return undefined;
    }
    maps.unshift(step.map);
    enlarge = compose(enlarge, step.enlarge);
    if (!movers.has(node.opType)) {
      through.unshift(node.opType);
    }
    name = step.input;
  }
  return undefined;
}

/** Where each pixel comes from after two steps, the later one first. */
function compose(
  outer: GraphDecision["enlarge"],
  inner: GraphDecision["enlarge"],
): GraphDecision["enlarge"] {
  return outer === undefined || inner === undefined
    ? (outer ?? inner)
    : outer.map((indices, axis) => indices.map((i) => inner[axis]?.[i] ?? 0));
}

type Decided = Pick<GraphDecision, "kind" | "scores"> &
  Partial<Pick<GraphDecision, "axis" | "border" | "sign">>;

function readDecision(walk: GraphWalk, node: GraphNode, name: string): Decided | undefined {
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
    case "Round":
      return probabilityEvidence(walk, first) === undefined
        ? undefined
        : { kind: "threshold", scores: first, border: 0.5 };
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
function maximumOf(walk: GraphWalk, scores: string, maximum: string): Decided | undefined {
  const node = walk.producer(maximum);
  const rank = walk.dims(scores)?.length;
  if (node?.opType !== "ReduceMax" || node.input[0] !== scores || rank === undefined) {
    return undefined;
  }
  const attribute = node.attribute.find((a) => a.name === "axes")?.ints.map(Number);
  const [axis, ...others] = attribute ?? walk.resolved.constant(node.input[1] ?? "") ?? [];
  return axis === undefined || others.length > 0
    ? undefined
    : { kind: "one-hot", scores, axis: axis < 0 ? axis + rank : axis };
}

function readValueStep(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
  const [first = "", second = "", third = ""] = node.input;
  if (node.opType === "Cast" && walk.resolved.types.get(node.output[0] ?? "")?.dtype === "bool") {
    return { input: first, map: each((v) => (v === 0 ? 0 : 1)) };
  }
  if (movers.has(node.opType)) {
    return { input: first, map: (values) => values };
  }
  switch (node.opType) {
    case "Not":
      return { input: first, map: each((v) => (v === 0 ? 1 : 0)) };
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return readArithmetic(walk, node);
    case "Equal": {
      const constant = walk.scalar(second);
      return constant === undefined
        ? undefined
        : { input: first, map: each((v) => (v === constant ? 1 : 0)) };
    }
    case "Where": {
      const [yes, no] = [walk.scalar(second), walk.scalar(third)];
      return yes === undefined || no === undefined
        ? undefined
        : { input: first, map: each((v) => (v === 0 ? no : yes)) };
    }
    case "Gather": {
      const table = walk.resolved.constant(first);
      const [rows = 0, ...entry] = walk.dims(first) ?? [];
      const length = entry.reduce((n, d) => n * d, 1);
      return table === undefined || walk.axis(node, 0) !== 0
        ? undefined
        : {
            input: second,
            map: ([label = 0]) => {
              const at = (label < 0 ? label + rows : label) * length;
              return table.slice(at, at + length);
            },
          };
    }
    case "OneHot": {
      const depth = walk.scalar(second);
      const [off = 0, on = 1] = walk.resolved.constant(third) ?? [];
      return depth === undefined
        ? undefined
        : {
            input: first,
            map: ([label]) => Array.from({ length: depth }, (_, c) => (c === label ? on : off)),
          };
    }
    case "QuantizeLinear":
    case "DequantizeLinear":
      return readQuantization(walk, node);
    case "Resize":
      return readResize(walk, node);
    case "Slice":
      return readSlice(walk, node);
    default:
      return undefined;
  }
}

function each(map: (value: number) => number): ValueStep["map"] {
  return (values) => values.map(map);
}

function readArithmetic(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
  const [first = "", second = ""] = node.input;
  const [left, right] = [walk.scalar(first), walk.scalar(second)];
  const constant = right ?? left;
  if (constant === undefined) {
    return undefined;
  }
  const dtype = walk.resolved.types.get(node.output[0] ?? "")?.dtype;
  const compute = {
    Add: (a: number, b: number) => a + b,
    Sub: (a: number, b: number) => a - b,
    Mul: (a: number, b: number) => a * b,
    Div: (a: number, b: number) =>
      dtype !== undefined && isFloat(dtype) ? a / b : Math.trunc(a / b),
  }[node.opType as "Add" | "Sub" | "Mul" | "Div"];
  return right === undefined
    ? { input: second, map: each((v) => compute(constant, v)) }
    : { input: first, map: each((v) => compute(v, constant)) };
}

function readQuantization(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
  const [input = "", second = "", third = ""] = node.input;
  const [scale, zeroPoint = 0] = [walk.scalar(second), walk.scalar(third)];
  if (scale === undefined) {
    return undefined;
  }
  const map = each((v) =>
    node.opType === "DequantizeLinear"
      ? scale * (v - zeroPoint)
      : Math.round(v / scale) + zeroPoint,
  );
  return { input, map };
}

function readResize(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
  const [input = "", , scales = ""] = node.input;
  const [from, to] = [walk.dims(input), walk.dims(node.output[0] ?? "")];
  if (
    from === undefined ||
    to === undefined ||
    walk.string(node, "mode", "nearest") !== "nearest"
  ) {
    return undefined;
  }
  const given = walk.resolved.constant(scales);
  const indices = from.flatMap((n, axis) => {
    const size = to[axis] as number;
    if (isNoExtent(walk, axis, n, size)) {
      return [];
    }
    return [
      nearestIndices({
        from: n,
        to: size,
        scale: given?.length === from.length ? given[axis] : undefined,
        coordinates: walk.string(node, "coordinate_transformation_mode", "half_pixel"),
        rounding: walk.string(node, "nearest_mode", "round_prefer_floor"),
      }),
    ];
  });
  return indices.some((list) => list === undefined)
    ? undefined
    : { input, map: (values) => values, enlarge: indices as number[][] };
}

/** Whether an axis has no pixels along it: one entry before and after, or the batch. */
function isNoExtent(walk: GraphWalk, axis: number, from: number, to: number): boolean {
  return from === to && (from === 1 || (axis === 0 && from === walk.batch));
}

function readSlice(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
  const [input = "", starts = "", , axes = "", steps = ""] = node.input;
  const [from, to] = [walk.dims(input), walk.dims(node.output[0] ?? "")];
  const start = walk.resolved.constant(starts);
  if (from === undefined || to === undefined || start === undefined) {
    return undefined;
  }
  const along = (walk.resolved.constant(axes) ?? start.map((_, i) => i)).map((axis) =>
    axis < 0 ? axis + from.length : axis,
  );
  const stride = walk.resolved.constant(steps);
  const indices = from.flatMap((n, axis) => {
    const size = to[axis] as number;
    const at = along.indexOf(axis);
    const given = at < 0 ? 0 : (start[at] as number);
    const first = Math.min(n - 1, Math.max(0, given < 0 ? given + n : given));
    const step = at < 0 ? 1 : (stride?.[at] ?? 1);
    return isNoExtent(walk, axis, n, size)
      ? []
      : [Array.from({ length: size }, (_, i) => first + i * step)];
  });
  return { input, map: (values) => values, enlarge: indices };
}
