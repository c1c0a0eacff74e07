import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Mul (opset 7): da = dy·b, db = dy·a, each summed to its input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Mul.html
 */
export const mul: GradientRule = {
  opType: "Mul",
  build: (c) => [
    () => unbroadcast(c.b, c.b.op("Mul", [c.dy(), c.x(1)]), c.x(0).dims),
    () => unbroadcast(c.b, c.b.op("Mul", [c.dy(), c.x(0)]), c.x(1).dims),
  ],
};
