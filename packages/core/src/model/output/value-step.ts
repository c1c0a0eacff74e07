import { isFloat } from "@onnx-asma/autodiff";
import { nearestIndices } from "../grid/nearest-indices.ts";
import { movers, type GraphNode, type GraphWalk } from "./graph-walk.ts";

/** What an output holds at one pixel. */
export type Values = readonly number[];

/** One operator behind the decision, as a function of a pixel's values. */
export interface ValueStep {
  readonly input: string;
  readonly map: (values: Values) => Values;
  readonly enlarge?: readonly (readonly number[])[];
}

/** Reads an operator that only rewrites labels; `undefined` for any other. */
export function readValueStep(walk: GraphWalk, node: GraphNode): ValueStep | undefined {
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
