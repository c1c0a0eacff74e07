import type { GradientRule } from "./gradient-rule.ts";

/**
 * ReverseSequence (opset 10): dx = dy reversed in the same way.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReverseSequence.html
 */
export const reverseSequence: GradientRule = {
  opType: "ReverseSequence",
  build: (c) => [
    () =>
      c.b.op("ReverseSequence", [c.dy(), c.x(1)], {
        batch_axis: c.int("batch_axis", 1),
        time_axis: c.int("time_axis", 0),
      }),
  ],
};
