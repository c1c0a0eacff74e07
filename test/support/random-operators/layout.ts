import { elementCount } from "../../../packages/autodiff/src/model/data-type.ts";
import type { RandomOperator } from "./random-operator.ts";

/** What moves, repeats or picks elements. */
export const layout: Readonly<Record<string, RandomOperator>> = {
  Reshape: (g, x) => {
    const count = elementCount(x.dims);
    const first = g.pick(x.dims.length > 0 ? x.dims : [1]);
    return g.op("Reshape", [x, g.ints(first, -1)], [first, count / first], x.bound);
  },
  Flatten: (g, x) => {
    const axis = g.int(x.dims.length + 1);
    const dims = [elementCount(x.dims.slice(0, axis)), elementCount(x.dims.slice(axis))];
    return g.op("Flatten", [x], dims, x.bound, { axis });
  },
  Transpose: (g, x) => {
    // The runtime does not infer the rank of a transposed scalar.
    if (x.dims.length === 0) {
      return undefined;
    }
    const perm = x.dims.map((_, i) => i).toSorted(() => g.random() - 0.5);
    return g.op(
      "Transpose",
      [x],
      perm.map((i) => x.dims[i] as number),
      x.bound,
      { perm },
    );
  },
  Unsqueeze: (g, x) => {
    const axis = g.int(x.dims.length + 1);
    return x.dims.length > 3
      ? undefined
      : g.overAxes("Unsqueeze", 13, x, [axis], x.dims.toSpliced(axis, 0, 1), x.bound);
  },
  Squeeze: (g, x) => {
    const axis = x.dims.indexOf(1);
    return axis < 0 || x.dims.length < 2
      ? undefined
      : g.overAxes("Squeeze", 13, x, [axis], x.dims.toSpliced(axis, 1), x.bound);
  },
  Concat: (g, x) => {
    const axis = g.int(x.dims.length);
    const others = g.values.filter(
      ({ dims }) =>
        dims.length === x.dims.length && dims.every((d, i) => i === axis || d === x.dims[i]),
    );
    // x itself need not be among the values.
    const list = [x, g.pick([x, ...others]), x].slice(0, 2 + g.int(2));
    const size = list.reduce((total, { dims }) => total + (dims[axis] as number), 0);
    return x.dims.length === 0
      ? undefined
      : g.op("Concat", list, x.dims.with(axis, size), Math.max(...list.map((v) => v.bound)), {
          axis,
        });
  },
  Split: (g, x) => {
    const axis = x.dims.findIndex((d) => d > 1);
    if (axis < 0) {
      return undefined;
    }
    const size = x.dims[axis] as number;
    const first = 1 + g.int(size - 1);
    const sizes = [first, size - first];
    const names =
      g.opset < 13
        ? g.node("Split", [x.name], { axis, split: sizes }, 2)
        : g.node("Split", [x.name, g.ints(...sizes)], { axis }, 2);
    return names.map((name, i) => ({
      name,
      dims: x.dims.with(axis, sizes[i] as number),
      bound: x.bound,
    }));
  },
  Slice: (g, x) => {
    const axis = x.dims.findIndex((d) => d > 2);
    if (axis < 0) {
      return undefined;
    }
    const size = x.dims[axis] as number;
    const [start, end, step] = g.pick([
      [1, 2 ** 31, 1],
      [0, -1, 2],
      [-1, -(2 ** 31), -2],
    ] as const);
    const count =
      step === 1 ? size - 1 : step === 2 ? Math.ceil((size - 1) / 2) : Math.ceil(size / 2);
    const inputs = [x, ...[start, end, axis, step].map((v) => g.ints(v))];
    return g.op("Slice", inputs, x.dims.with(axis, count), x.bound);
  },
  Pad: (g, x) => {
    const mode = g.pick(["constant", "edge", "reflect"]);
    const pads = x.dims.map((d) => (d > 1 ? g.int(2) : 0));
    const dims = x.dims.map((d, i) => d + 2 * (pads[i] as number));
    return x.dims.length === 0
      ? undefined
      : g.op("Pad", [x, g.ints(...pads, ...pads)], dims, x.bound, { mode });
  },
  Expand: (g, x) => {
    const dims = [2, ...x.dims.map((d) => (d === 1 ? 2 : d))];
    return x.dims.length > 3 ? undefined : g.op("Expand", [x, g.ints(...dims)], dims, x.bound);
  },
  Tile: (g, x) => {
    const repeats = x.dims.map(() => 1 + g.int(2));
    const dims = x.dims.map((d, i) => d * (repeats[i] as number));
    return x.dims.length === 0 ? undefined : g.op("Tile", [x, g.ints(...repeats)], dims, x.bound);
  },
  Gather: (g, x) => {
    const axis = g.int(x.dims.length);
    const size = x.dims[axis];
    const indices = [0, 0, (size ?? 1) - 1, -1];
    return size === undefined
      ? undefined
      : g.op("Gather", [x, g.ints(...indices)], x.dims.with(axis, 4), x.bound, { axis });
  },
  TensorScatter: (g, x) => {
    const [batch, size] = x.dims;
    if (g.opset < 24 || batch === undefined || size === undefined) {
      return undefined;
    }
    const update = g.floats(x.dims.with(1, 1 + g.int(size)), -1, 1);
    const starts = g.ints(...Array.from({ length: batch }, () => g.int(size)));
    const attributes = { axis: 1, mode: "circular" };
    return g.op("TensorScatter", [x, update, starts], x.dims, Math.max(1, x.bound), attributes);
  },
  CumProd: (g, x) => {
    const axis = g.int(x.dims.length);
    const bound = x.bound ** (x.dims[axis] ?? 1) + 1;
    return g.opset < 26 || x.dims.length === 0 || bound > 99
      ? undefined
      : g.op("CumProd", [x, g.ints(axis)], x.dims, bound, {
          exclusive: g.int(2),
          reverse: g.int(2),
        });
  },
  CumSum: (g, x) => {
    const axis = g.int(x.dims.length);
    const bound = x.bound * (x.dims[axis] ?? 1);
    return x.dims.length === 0
      ? undefined
      : g.op("CumSum", [x, g.ints(axis)], x.dims, bound, {
          exclusive: g.int(2),
          reverse: g.int(2),
        });
  },
};
