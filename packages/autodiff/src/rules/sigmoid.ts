import { elementwise } from "./elementwise.ts";

/**
 * Sigmoid (opset 6): dx = dy·y·(1 − y).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sigmoid.html
 */
export const sigmoid = elementwise("Sigmoid", (c, { mul, sub }) =>
  mul(c.dy(), mul(c.y(), sub(1, c.y()))),
);
