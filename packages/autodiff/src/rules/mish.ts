import { elementwise } from "./elementwise.ts";

/**
 * Mish (opset 18): dx = dy·(t + x·sigmoid(x)·(1 − t²)) with t = tanh(softplus(x)).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Mish.html
 */
export const mish = elementwise("Mish", (c, { add, mul, sub }) => {
  const t = c.b.op("Tanh", [c.b.op("Softplus", [c.x()])]);
  const swish = mul(c.x(), c.b.op("Sigmoid", [c.x()]));
  return mul(c.dy(), add(t, mul(swish, sub(1, mul(t, t)))));
});
