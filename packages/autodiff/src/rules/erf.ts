import { elementwise } from "./elementwise.ts";

/**
 * Erf (opset 9): dx = dy·2/√π·exp(−x²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Erf.html
 */
export const erf = elementwise("Erf", (c, { mul }) => {
  const bell = c.b.op("Exp", [c.b.op("Neg", [mul(c.x(), c.x())])]);
  return mul(c.dy(), mul(bell, 2 / Math.sqrt(Math.PI)));
});
