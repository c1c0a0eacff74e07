import { elementCount } from "../../../packages/autodiff/src/model/data-type.ts";
import type { BoundedValue, RandomGraph } from "../random-graph.ts";
import type { RandomOperator } from "./random-operator.ts";
import { ordered } from "./ordered.ts";

/** For images: batch, channels, height, width. */
const image =
  (
    build: (
      g: RandomGraph,
      x: BoundedValue,
      dims: [number, number, number, number],
    ) => ReturnType<RandomOperator>,
  ): RandomOperator =>
  (g, x) =>
    x.dims.length === 4 ? build(g, x, x.dims as [number, number, number, number]) : undefined;

/** Layers of networks. */
export const networks: Readonly<Record<string, RandomOperator>> = {
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
  recurrent: (g, x) => {
    const [steps, batch, width] = x.dims;
    if (x.dims.length !== 3 || steps === undefined || batch === undefined || width === undefined) {
      return undefined;
    }
    const [opType, gates] = g.pick([
      ["LSTM", 4],
      ["GRU", 3],
      ["RNN", 1],
    ] as const);
    const direction = g.pick(["forward", "reverse", "bidirectional"]);
    const directions = direction === "bidirectional" ? 2 : 1;
    const weights = (inputs: number) =>
      g.floats([directions, gates * 2, inputs], -1 / inputs, 1 / inputs);
    return g.op(opType, [x, weights(width), weights(2)], [steps, directions, batch, 2], 1, {
      hidden_size: 2,
      direction,
    });
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
