import { isBlocked } from "../graph/blocked-layout.ts";
import { positiveMask } from "./blocked-gradients.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * Relu (opset 6): dx = dy where y > 0, else 0 (0 at the kink, as PyTorch). The mask comes from the
 * output, so that the runtime can still fuse Conv+Relu.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Relu.html
 */
export const relu: GradientRule = {
  opType: "Relu",
  build: (c) => [
    () => {
      if (isBlocked(c.b, c.y())) {
        return c.b.op("Mul", [c.dy(), positiveMask(c.b, c.y())]);
      }
      const positive = c.b.op("Greater", [c.y(), c.b.scalar(0, c.y().dtype)]);
      return c.b.op("Where", [positive, c.dy(), c.b.scalar(0, c.y().dtype)]);
    },
  ],
};
