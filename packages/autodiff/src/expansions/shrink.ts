import { arithmetic } from "../graph/arithmetic.ts";
import type { Expansion } from "./expansion.ts";

/**
 * Shrink (opset 9): x + bias below −λ, x − bias above λ, 0 between.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Shrink.html
 */
export const shrink: Expansion = {
  opType: "Shrink",
  expand: (c) => {
    const { add, greater, less, sub, where } = arithmetic(c.b);
    const x = c.x();
    const lambda = c.float("lambd", 0.5);
    const bias = c.float("bias", 0);
    const above = where(greater(x, lambda), sub(x, bias), 0);
    return [where(less(x, -lambda), add(x, bias), above)];
  },
};
