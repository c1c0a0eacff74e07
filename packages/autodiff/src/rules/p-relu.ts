import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * PRelu (opset 7): dx = dy where x > 0, else slope·dy; dslope = 0 where x > 0, else x·dy, summed to the
 * slope's dims. The kink belongs to the slope, as in PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__PRelu.html
 */
export const pRelu: GradientRule = {
  opType: "PRelu",
  build: (c) => {
    const { greater, mul, where } = arithmetic(c.b);
    return [
      () => where(greater(c.x(0), 0), c.dy(), mul(c.dy(), c.x(1))),
      () => unbroadcast(c.b, where(greater(c.x(0), 0), 0, mul(c.dy(), c.x(0))), c.x(1).dims),
    ];
  },
};
