import { elementwise } from "./elementwise.ts";

/**
 * Exp (opset 6): dx = dy·y.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Exp.html
 */
export const exp = elementwise("Exp", (c, { mul }) => mul(c.dy(), c.y()));

/**
 * Log (opset 6): dx = dy/x; ±∞ at 0 as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Log.html
 */
export const log = elementwise("Log", (c, { div }) => div(c.dy(), c.x()));

/**
 * Sqrt (opset 6): dx = dy/(2y); ±∞ at 0 as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sqrt.html
 */
export const sqrt = elementwise("Sqrt", (c, { div, mul }) => div(c.dy(), mul(c.y(), 2)));

/**
 * Reciprocal (opset 6): dx = −dy·y².
 *
 * @see https://onnx.ai/onnx/operators/onnx__Reciprocal.html
 */
export const reciprocal = elementwise("Reciprocal", (c, { mul }) =>
  c.b.op("Neg", [mul(c.dy(), mul(c.y(), c.y()))]),
);
