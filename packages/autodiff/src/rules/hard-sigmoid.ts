import { elementwise } from "./elementwise.ts";

/**
 * HardSigmoid (opset 6): dx = alpha·dy where 0 < y < 1, else 0 (0 at the kinks, as PyTorch).
 *
 * @see https://onnx.ai/onnx/operators/onnx__HardSigmoid.html
 */
export const hardSigmoid = elementwise("HardSigmoid", (c, { greater, less, mul, where }) => {
  const slope = mul(c.dy(), c.float("alpha", 0.2));
  return where(greater(c.y(), 0), where(less(c.y(), 1), slope, 0), 0);
});
