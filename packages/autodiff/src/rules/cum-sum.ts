import type { GradientRule } from "./gradient-rule.ts";

/**
 * CumSum (opset 11): dx = the cumulative sum of dy from the other end.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CumSum.html
 */
export const cumSum: GradientRule = {
  opType: "CumSum",
  build: (c) => [
    () => {
      const attributes = { exclusive: c.int("exclusive", 0), reverse: 1 - c.int("reverse", 0) };
      return c.b.op("CumSum", [c.dy(), c.x(1)], attributes);
    },
  ],
};
