import { elementwise } from "./elementwise.ts";

/**
 * Tanh (opset 6): dx = dy·(1 − y²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Tanh.html
 */
export const tanh = elementwise("Tanh", (c, { mul, sub }) =>
  mul(c.dy(), sub(1, mul(c.y(), c.y()))),
);
