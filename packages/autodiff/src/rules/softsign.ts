import { elementwise } from "./elementwise.ts";

/**
 * Softsign (opset 1): dx = dy/(1 + |x|)².
 *
 * @see https://onnx.ai/onnx/operators/onnx__Softsign.html
 */
export const softsign = elementwise("Softsign", (c, { add, div, mul }) => {
  const denominator = add(c.b.op("Abs", [c.x()]), 1);
  return div(c.dy(), mul(denominator, denominator));
});
