import { elementwise } from "./elementwise.ts";

/**
 * LeakyRelu (opset 6): dx = dy where x > 0, else alpha·dy (so at the kink, as PyTorch). The mask comes
 * from the output where alpha leaves its sign to it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LeakyRelu.html
 */
export const leakyRelu = elementwise("LeakyRelu", (c, { greater, mul, where }) => {
  const alpha = c.float("alpha", 0.01);
  return where(greater(alpha >= 0 ? c.y() : c.x(), 0), c.dy(), mul(c.dy(), alpha));
});
