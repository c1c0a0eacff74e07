import { elementwise } from "./elementwise.ts";

/**
 * Sinh (opset 9): dx = dy·cosh x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sinh.html
 */
export const sinh = elementwise("Sinh", (c, { mul }) => mul(c.dy(), c.b.op("Cosh", [c.x()])));

/**
 * Cosh (opset 9): dx = dy·sinh x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Cosh.html
 */
export const cosh = elementwise("Cosh", (c, { mul }) => mul(c.dy(), c.b.op("Sinh", [c.x()])));

/**
 * Asinh (opset 9): dx = dy/√(x² + 1).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Asinh.html
 */
export const asinh = elementwise("Asinh", (c, { add, div, mul }) =>
  div(c.dy(), c.b.op("Sqrt", [add(mul(c.x(), c.x()), 1)])),
);

/**
 * Acosh (opset 9): dx = dy/√(x² − 1); ±∞ at 1 as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Acosh.html
 */
export const acosh = elementwise("Acosh", (c, { div, mul, sub }) =>
  div(c.dy(), c.b.op("Sqrt", [sub(mul(c.x(), c.x()), 1)])),
);

/**
 * Atanh (opset 9): dx = dy/(1 − x²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Atanh.html
 */
export const atanh = elementwise("Atanh", (c, { div, mul, sub }) =>
  div(c.dy(), sub(1, mul(c.x(), c.x()))),
);
