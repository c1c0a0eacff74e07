import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";

/**
 * MaxUnpool (opset 9; any rank): dx = dy at the place that the index of x names. Where an index repeats
 * (overlapping windows), each of its elements gets the whole gradient of that place, as in PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__MaxUnpool.html
 */
export const maxUnpool: GradientRule = {
  opType: "MaxUnpool",
  build: (c) => {
    if (c.y().dims.length !== c.x().dims.length) {
      // ONNX Runtime infers no dims from the third input.
      throw new RuleRefusal(
        "the dims of its output are not known; export it without output_shape, and pad or crop after it",
      );
    }
    return [
      () => {
        // Indices count through the whole output, batch and channels included.
        const count = c.y().dims.reduce((n, d) => n * d, 1);
        return c.b.op("Gather", [c.b.reshape(c.dy(), [count]), c.x(1)], { axis: 0 });
      },
    ];
  },
};
