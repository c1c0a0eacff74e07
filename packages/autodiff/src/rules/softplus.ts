import { elementwise } from "./elementwise.ts";

/**
 * Softplus (opset 1): dx = dy·sigmoid(x).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Softplus.html
 */
export const softplus = elementwise("Softplus", (c, { mul }) =>
  mul(c.dy(), c.b.op("Sigmoid", [c.x()])),
);
