import { elementCount } from "../../../packages/autodiff/src/model/data-type.ts";
import type { RandomOperator } from "./random-operator.ts";
import { ordered } from "./ordered.ts";

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

/** What depends on many elements of an axis. */
export const reductions: Readonly<Record<string, RandomOperator>> = {
  ReduceSum: reduce("ReduceSum", (b, n) => b * n, 13),
  ReduceMean: reduce("ReduceMean", (b) => b),
  ReduceLogSumExp: reduce("ReduceLogSumExp", (b, n) => b + Math.log(n)),
  ReduceSumSquare: reduce("ReduceSumSquare", (b, n) => b * b * n),
  ReduceL1: away(reduce("ReduceL1", (b, n) => b * n)),
  ReduceL2: away(reduce("ReduceL2", (b, n) => b * n)),
  ReduceMax: (g, x) =>
    elementCount(x.dims) > 16
      ? undefined
      : reduce(g.pick(["ReduceMax", "ReduceMin"]), (b) => b)(g, ordered(g, x)),
  STFT: (g, x) => {
    const length = 2 + g.int(3);
    const step = 1 + g.int(3);
    const count = elementCount(x.dims);
    if (g.opset < 17 || count < length) {
      return undefined;
    }
    const signal = g.op("Reshape", [x, g.ints(1, -1, 1)], [1, count, 1], x.bound);
    const dims = [1, Math.floor((count - length) / step) + 1, Math.floor(length / 2) + 1, 2];
    const window = g.floats([length], 0.2, 1);
    return g.op("STFT", [signal, g.ints(step), window], dims, length * x.bound);
  },
  Softmax: (g, x) =>
    x.dims.length === 0
      ? undefined
      : g.op("Softmax", [x], x.dims, 1, { axis: g.int(x.dims.length) }),
  LogSoftmax: (g, x) =>
    x.dims.length === 0
      ? undefined
      : g.op("LogSoftmax", [x], x.dims, 2 * x.bound + 5, { axis: g.int(x.dims.length) }),
};
