import { elementwise } from "./elementwise.ts";

/**
 * ThresholdedRelu (opset 10): dx = dy where x > alpha, else 0. The mask comes from the output where
 * alpha leaves its sign to it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ThresholdedRelu.html
 */
export const thresholdedRelu = elementwise("ThresholdedRelu", (c, { greater, where }) => {
  const alpha = c.float("alpha", 1);
  return where(alpha >= 0 ? greater(c.y(), 0) : greater(c.x(), alpha), c.dy(), 0);
});
