import { reduction } from "./reduction.ts";

/**
 * ReduceSum (opset 1): dx = dy along the axes.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceSum.html
 */
export const reduceSum = reduction("ReduceSum", ({ dy }) => dy);

/**
 * ReduceMean (opset 1): dx = dy/n along the axes, for n elements each.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceMean.html
 */
export const reduceMean = reduction("ReduceMean", ({ mul, axes, x, dy }) =>
  mul(dy, 1 / axes.reduce((count, axis) => count * (x.dims[axis] as number), 1)),
);

/**
 * ReduceLogSum (opset 1): dx = dy/exp(y), the sum.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceLogSum.html
 */
export const reduceLogSum = reduction("ReduceLogSum", ({ c, div, y, dy }) =>
  div(dy, c.b.op("Exp", [y()])),
);

/**
 * ReduceLogSumExp (opset 1): dx = dy·exp(x − y).
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html
 */
export const reduceLogSumExp = reduction("ReduceLogSumExp", ({ c, mul, sub, x, y, dy }) =>
  mul(dy, c.b.op("Exp", [sub(x, y())])),
);
