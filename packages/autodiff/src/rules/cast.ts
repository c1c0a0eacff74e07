import { isFloat } from "../model/data-type.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * Cast (opset 6): dx = dy in the dtype of x, between floats; nothing flows through integers.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Cast.html
 */
export const cast: GradientRule = {
  opType: "Cast",
  build: (c) => [
    isFloat(c.x().dtype) && isFloat(c.y().dtype) ? () => c.b.cast(c.dy(), c.x().dtype) : null,
  ],
};
