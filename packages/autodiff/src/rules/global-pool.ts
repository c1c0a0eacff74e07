import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

function spatialAxes(c: RuleContext): number[] {
  return c
    .x()
    .dims.slice(2)
    .map((_, i) => i + 2);
}

/**
 * GlobalAveragePool (opset 1): dx = dy / number of pixels, everywhere.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html
 */
export const globalAveragePool: GradientRule = {
  opType: "GlobalAveragePool",
  build: (c) => [
    () => {
      const pixels = c
        .x()
        .dims.slice(2)
        .reduce((n, d) => n * d, 1);
      return c.b.expand(arithmetic(c.b).div(c.dy(), pixels), c.x().dims);
    },
  ],
};

/**
 * GlobalMaxPool (opset 1): dx = dy at the maximum, split evenly among equal ones (as torch.amax).
 *
 * @see https://onnx.ai/onnx/operators/onnx__GlobalMaxPool.html
 */
export const globalMaxPool: GradientRule = {
  opType: "GlobalMaxPool",
  build: (c) => [
    (): Value => {
      const { equal, div, mul } = arithmetic(c.b);
      const isMaximum = c.b.cast(equal(c.x(), c.y()), c.x().dtype);
      const count = c.b.reduce("ReduceSum", isMaximum, spatialAxes(c));
      return mul(isMaximum, div(c.dy(), count));
    },
  ],
};
