import { elementCount } from "../../packages/autodiff/src/model/data-type.ts";
import type { BoundedValue, RandomGraph } from "./random-graph.ts";

/** Appends something that reads `x`; `undefined` where its dims do not allow for it. */
export type RandomOperator = (
  g: RandomGraph,
  x: BoundedValue,
) => BoundedValue | readonly BoundedValue[] | undefined;

type Value = BoundedValue;

/** An operator of one input that keeps the dims. */
const unary =
  (opType: string, bound: (x: number) => number, since = 1): RandomOperator =>
  (g, x) =>
    g.opset < since ? undefined : g.op(opType, [x], x.dims, bound(x.bound));

/** One whose derivative jumps at 0: elements stay on their side of it. */
const kinked =
  (opType: string, attributes = {}, since = 1): RandomOperator =>
  (g, x) => {
    const away = g.awayFromZero(x);
    return g.opset < since ? undefined : g.op(opType, [away], x.dims, away.bound, attributes);
  };

/** A second operand: of the pool if dims allow for it, else a constant of dims that broadcast. */
function operand(g: RandomGraph, x: Value): Value {
  const fitting = g.values.filter((v) => broadcasts(v.dims, x.dims));
  if (fitting.length > 0 && g.int(4) > 0) {
    return g.pick(fitting);
  }
  const dims = x.dims.slice(g.int(x.dims.length + 1)).map((d) => (g.int(3) === 0 ? 1 : d));
  return { name: g.floats(dims, -1, 1), dims, bound: 1 };
}

function broadcasts(small: readonly number[], large: readonly number[]): boolean {
  return (
    small.length <= large.length &&
    small.every((d, i) => d === 1 || d === large[large.length - small.length + i])
  );
}

const binary =
  (opType: string, bound: (a: number, b: number) => number): RandomOperator =>
  (g, x) => {
    const other = operand(g, x);
    const inputs = g.int(2) === 0 ? [x, other] : [other, x];
    return g.op(opType, inputs, x.dims, bound(x.bound, other.bound));
  };

const sum = (a: number, b: number) => a + b;
const same = (bound: number) => bound;
const capped = (limit: number) => () => limit;

const elementwise: Readonly<Record<string, RandomOperator>> = {
  Sigmoid: unary("Sigmoid", capped(1)),
  Tanh: unary("Tanh", capped(1)),
  Softplus: unary("Softplus", (b) => b + 1),
  Erf: unary("Erf", capped(1)),
  Sin: unary("Sin", capped(1)),
  Cos: unary("Cos", capped(1)),
  Neg: unary("Neg", same),
  Identity: unary("Identity", same),
  Gelu: unary("Gelu", same, 20),
  Mish: unary("Mish", (b) => b + 1, 18),
  Exp: (g, x) => (x.bound > 2 ? undefined : g.op("Exp", [x], x.dims, Math.exp(x.bound))),
  Relu: kinked("Relu"),
  Abs: kinked("Abs"),
  LeakyRelu: kinked("LeakyRelu", { alpha: { float: 0.2 } }),
  Elu: kinked("Elu"),
  Clip: (g, x) => {
    const away = g.awayFromZero(x);
    return g.op("Clip", [away, g.given([], [0]), g.given([], [99])], x.dims, away.bound);
  },
  PRelu: (g, x) => {
    const away = g.awayFromZero(x);
    return g.op("PRelu", [away, g.floats(x.dims.slice(1), 0.1, 0.5)], x.dims, away.bound);
  },
  Dropout: (g, x) => ({ name: g.node("Dropout", [x.name])[0], dims: x.dims, bound: x.bound }),
  Cast: (g, x) =>
    g.op("Cast", [g.op("Cast", [x], x.dims, x.bound, { to: 11 })], x.dims, x.bound, { to: 1 }),
  Add: binary("Add", sum),
  Sub: binary("Sub", sum),
  Mul: binary("Mul", (a, b) => a * b),
  Div: (g, x) => {
    const square = g.op("Mul", [x, x], x.dims, x.bound ** 2);
    const divisor = g.op("Add", [square, g.given([1], [1])], x.dims, x.bound ** 2 + 1);
    const other = operand(g, x);
    return g.op("Div", [other, divisor], x.dims, other.bound);
  },
  Sqrt: (g, x) => {
    const positive = g.shifted(x, () => x.bound + 0.5);
    return g.op("Sqrt", [positive], x.dims, Math.max(1, positive.bound));
  },
  Log: (g, x) => {
    const positive = g.shifted(x, () => x.bound + 0.5);
    return g.op("Log", [positive], x.dims, Math.max(1, Math.log(positive.bound)));
  },
  Reciprocal: (g, x) => g.op("Reciprocal", [g.awayFromZero(x)], x.dims, 2.5),
  Pow: (g, x) =>
    x.bound > 2
      ? undefined
      : g.op("Pow", [x, g.given([], [g.pick([2, 3])])], x.dims, x.bound ** 3 + 1),
  Where: (g, x) => {
    const other = operand(g, x);
    return g.op("Where", [g.bools(x.dims), x, other], x.dims, Math.max(x.bound, other.bound));
  },
  Max: (g, x) => {
    const other = g.op("Tanh", [x], x.dims, 1);
    const shifted = g.shifted(other, () => (g.int(2) === 0 ? -1 : 1) * (x.bound + 1.4));
    return g.op(g.pick(["Max", "Min"]), [x, shifted], x.dims, shifted.bound);
  },
  Sum: (g, x) => {
    const other = operand(g, x);
    return g.op(g.pick(["Sum", "Mean"]), [x, other, x], x.dims, 2 * x.bound + other.bound);
  },
};

const layout: Readonly<Record<string, RandomOperator>> = {
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
    const list = [x, g.pick(others), x].slice(0, 2 + g.int(2));
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

const reduce =
  (opType: string, bound: (x: number, n: number) => number, since = 18): RandomOperator =>
  (g, x) => {
    const axes = x.dims.flatMap((_, i) => (g.int(2) === 0 ? [i] : []));
    if (axes.length === 0) {
      return undefined;
    }
    const keepdims = g.int(2);
    const dims = x.dims.flatMap((d, i) => (!axes.includes(i) ? [d] : keepdims === 1 ? [1] : []));
    const n = axes.reduce((count, axis) => count * (x.dims[axis] as number), 1);
    return g.overAxes(opType, since, x, axes, dims, bound(x.bound, n), { keepdims });
  };

const away =
  (operator: RandomOperator): RandomOperator =>
  (g, x) =>
    operator(g, g.awayFromZero(x));

/** Elements so far apart that their order cannot change. */
function ordered(g: RandomGraph, x: Value): Value {
  const order = Array.from({ length: elementCount(x.dims) }, (_, i) => i).toSorted(
    () => g.random() - 0.5,
  );
  return g.shifted(x, (i) => (order[i] as number) * (2 * x.bound + 0.4));
}

const reductions: Readonly<Record<string, RandomOperator>> = {
  ReduceSum: reduce("ReduceSum", (b, n) => b * n, 13),
  ReduceMean: reduce("ReduceMean", same),
  ReduceLogSumExp: reduce("ReduceLogSumExp", (b, n) => b + Math.log(n)),
  ReduceSumSquare: reduce("ReduceSumSquare", (b, n) => b * b * n),
  ReduceL1: away(reduce("ReduceL1", (b, n) => b * n)),
  ReduceL2: away(reduce("ReduceL2", (b, n) => b * n)),
  ReduceMax: (g, x) =>
    elementCount(x.dims) > 16
      ? undefined
      : reduce(g.pick(["ReduceMax", "ReduceMin"]), same)(g, ordered(g, x)),
  Softmax: (g, x) =>
    x.dims.length === 0
      ? undefined
      : g.op("Softmax", [x], x.dims, 1, { axis: g.int(x.dims.length) }),
  LogSoftmax: (g, x) =>
    x.dims.length === 0
      ? undefined
      : g.op("LogSoftmax", [x], x.dims, 2 * x.bound + 5, { axis: g.int(x.dims.length) }),
};

/** For images: batch, channels, height, width. */
const image =
  (
    build: (
      g: RandomGraph,
      x: Value,
      dims: [number, number, number, number],
    ) => ReturnType<RandomOperator>,
  ): RandomOperator =>
  (g, x) =>
    x.dims.length === 4 ? build(g, x, x.dims as [number, number, number, number]) : undefined;

const networks: Readonly<Record<string, RandomOperator>> = {
  Conv: image((g, x, [n, c, h, w]) => {
    const [k, group, out] = [1 + g.int(3), g.pick([1, c]), c * (1 + g.int(2))];
    const [pad, stride, dilation] = [g.int(2), 1 + g.int(2), 1 + g.int(2)];
    const size = (d: number) => Math.floor((d + 2 * pad - dilation * (k - 1) - 1) / stride) + 1;
    if (size(h) < 1 || size(w) < 1) {
      return undefined;
    }
    const inner = c / group;
    const weight = g.floats([out, inner, k, k], -1 / (inner * k), 1 / (inner * k));
    return g.op(
      "Conv",
      [x, weight, g.floats([out], -1, 1)],
      [n, out, size(h), size(w)],
      k * x.bound + 1,
      {
        group,
        pads: [pad, pad, pad, pad],
        strides: [stride, stride],
        dilations: [dilation, dilation],
      },
    );
  }),
  ConvTranspose: image((g, x, [n, c, h, w]) => {
    const [k, stride, out] = [1 + g.int(3), 1 + g.int(2), 1 + g.int(3)];
    const size = (d: number) => (d - 1) * stride + k;
    const weight = g.floats([c, out, k, k], -1 / c, 1 / c);
    return g.op("ConvTranspose", [x, weight], [n, out, size(h), size(w)], 9 * x.bound, {
      strides: [stride, stride],
    });
  }),
  MaxPool: image((g, x, [n, c, h, w]) => {
    const k = 1 + g.int(2);
    const size = (d: number) => d - k + 1;
    return elementCount(x.dims) > 36 || size(h) < 1 || size(w) < 1
      ? undefined
      : g.op("MaxPool", [ordered(g, x)], [n, c, size(h), size(w)], 1e3, { kernel_shape: [k, k] });
  }),
  AveragePool: image((g, x, [n, c, h, w]) => {
    const size = (d: number) => Math.floor(d / 2) + 1;
    return g.op("AveragePool", [x], [n, c, size(h), size(w)], x.bound, {
      kernel_shape: [2, 2],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      count_include_pad: g.int(2),
    });
  }),
  GlobalAveragePool: image((g, x, [n, c]) => g.op("GlobalAveragePool", [x], [n, c, 1, 1], x.bound)),
  BatchNormalization: image((g, x, [, c]) => {
    const weights = [
      g.floats([c], 0.5, 1.5),
      g.floats([c], -1, 1),
      g.floats([c], -1, 1),
      g.floats([c], 0.5, 2),
    ];
    return g.op("BatchNormalization", [x, ...weights], x.dims, 2.2 * (x.bound + 1) + 1);
  }),
  InstanceNormalization: image((g, x, [, c, h, w]) =>
    g.op(
      "InstanceNormalization",
      [x, g.floats([c], 0.5, 1.5), g.floats([c], -1, 1)],
      x.dims,
      1.5 * Math.sqrt(h * w) + 1,
      {
        epsilon: { float: 0.2 },
      },
    ),
  ),
  LayerNormalization: (g, x) => {
    const d = x.dims.at(-1);
    return d === undefined || g.opset < 17
      ? undefined
      : g.op(
          "LayerNormalization",
          [x, g.floats([d], 0.5, 1.5), g.floats([d], -1, 1)],
          x.dims,
          1.5 * Math.sqrt(d) + 1,
          {
            epsilon: { float: 0.2 },
          },
        );
  },
  Resize: image((g, x, [n, c, h, w]) => {
    const mode = g.pick(["linear", "nearest"]);
    return g.op(
      "Resize",
      [x, g.given([0], []), g.given([4], [1, 1, 2, 2])],
      [n, c, 2 * h, 2 * w],
      x.bound,
      {
        mode,
        coordinate_transformation_mode: g.pick(["half_pixel", "asymmetric"]),
        nearest_mode: "floor",
      },
    );
  }),
  DepthToSpace: image((g, x, [n, c, h, w]) =>
    c % 4 === 0
      ? g.op("DepthToSpace", [x], [n, c / 4, 2 * h, 2 * w], x.bound, { blocksize: 2 })
      : undefined,
  ),
  MatMul: (g, x) => {
    const d = x.dims.at(-1);
    return d === undefined || x.dims.length < 2
      ? undefined
      : g.op("MatMul", [x, g.floats([d, 3], -1 / d, 1 / d)], x.dims.with(-1, 3), x.bound);
  },
  selfMatMul: (g, x) => {
    if (x.dims.length < 2) {
      return undefined;
    }
    const perm = x.dims.map((_, i) => i);
    const [a, d] = x.dims.slice(-2) as [number, number];
    const swapped = perm.with(-1, perm.at(-2) as number).with(-2, perm.at(-1) as number);
    const t = g.op("Transpose", [x], [...x.dims.slice(0, -2), d, a], x.bound, { perm: swapped });
    return g.op("MatMul", [x, t], x.dims.with(-1, a), x.bound ** 2 * d);
  },
  Gemm: (g, x) => {
    const [m, d] = x.dims;
    if (x.dims.length !== 2 || m === undefined || d === undefined) {
      return undefined;
    }
    const [transA, transB] = [g.int(2), g.int(2)];
    const [rows, inner] = transA === 1 ? [d, m] : [m, d];
    const weight = g.floats(transB === 1 ? [2, inner] : [inner, 2], -1 / inner, 1 / inner);
    return g.op("Gemm", [x, weight, g.floats([2], -1, 1)], [rows, 2], 0.7 * x.bound + 1, {
      transA,
      transB,
      alpha: { float: 0.7 },
    });
  },
};

/** What goes through integers and booleans, which carry no gradient. */
const sidePaths: Readonly<Record<string, RandomOperator>> = {
  reshapeByShape: (g, x) => {
    const [shape] = g.node("Shape", [x.name]);
    const [flat] = g.node("Reshape", [x.name, g.ints(-1)]);
    return g.op("Reshape", [flat, shape], x.dims, x.bound);
  },
  expandToShape: (g, x) => {
    const [shape] = g.node("Shape", [x.name]);
    const [expanded] = g.node("Expand", [g.floats([1], -1, 1), shape]);
    return g.op("Add", [x, expanded], x.dims, x.bound + 1);
  },
  argMax: (g, x) => {
    const axis = g.int(x.dims.length);
    if (x.dims.length === 0 || elementCount(x.dims) > 16) {
      return undefined;
    }
    const [index] = g.node("ArgMax", [ordered(g, x).name], { axis });
    const [float] = g.node("Cast", [index], { to: 1 });
    return g.op("Add", [x, float], x.dims, x.bound + (x.dims[axis] as number));
  },
  mask: (g, x) => {
    const [mask] = g.node("Greater", [g.awayFromZero(x).name, g.given([], [0])]);
    const [float] = g.node("Cast", [mask], { to: 1 });
    return g.op("Mul", [x, float], x.dims, x.bound);
  },
  rounded: (g, x) => {
    const [step] = g.node("Sign", [g.awayFromZero(x).name]);
    return g.op("Mul", [x, step], x.dims, x.bound);
  },
};

/** By name, so that a failure can be read. */
export const randomOperators: Readonly<Record<string, RandomOperator>> = {
  ...elementwise,
  ...layout,
  ...reductions,
  ...networks,
  ...sidePaths,
};
