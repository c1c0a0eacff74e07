import { elementwise } from "./elementwise.ts";

/**
 * HardSwish (opset 14): dx = dy·(x/3 + 1/2) where −3 < x < 3, 0 below and dy above (0 and dy at the
 * kinks, as PyTorch).
 *
 * @see https://onnx.ai/onnx/operators/onnx__HardSwish.html
 */
export const hardSwish = elementwise("HardSwish", (c, { add, greater, less, mul, where }) => {
  const slope = add(mul(c.x(), 1 / 3), 0.5);
  return where(greater(c.x(), -3), where(less(c.x(), 3), mul(c.dy(), slope), c.dy()), 0);
});
