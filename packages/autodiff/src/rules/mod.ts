import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Mod (opset 10) of floats, which is a − b·trunc(a/b) (`fmod` 1): da = dy, db = −dy·trunc(a/b), each
 * summed to its input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Mod.html
 */
export const mod: GradientRule = {
  opType: "Mod",
  build: (c) => [
    () => unbroadcast(c.b, c.dy(), c.x(0).dims),
    () => {
      const { div, mul, sub } = arithmetic(c.b);
      const negativeQuotient = div(sub(c.y(), c.x(0)), c.x(1));
      return unbroadcast(c.b, mul(c.dy(), negativeQuotient), c.x(1).dims);
    },
  ],
};
