import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Sub (opset 7): da = dy, db = −dy, each summed to its input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sub.html
 */
export const sub: GradientRule = {
  opType: "Sub",
  build: (c) => [
    () => unbroadcast(c.b, c.dy(), c.x(0).dims),
    () => c.b.op("Neg", [unbroadcast(c.b, c.dy(), c.x(1).dims)]),
  ],
};
