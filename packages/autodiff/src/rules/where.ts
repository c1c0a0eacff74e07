import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Where (opset 9): da = dy where the condition holds, else 0; db the other way round; each summed to its
 * input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Where.html
 */
export const where: GradientRule = {
  opType: "Where",
  build: (c) => {
    const { where } = arithmetic(c.b);
    return [
      null,
      () => unbroadcast(c.b, where(c.x(0), c.dy(), 0), c.x(1).dims),
      () => unbroadcast(c.b, where(c.x(0), 0, c.dy()), c.x(2).dims),
    ];
  },
};
