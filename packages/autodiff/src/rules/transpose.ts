import type { GradientRule } from "./gradient-rule.ts";

/**
 * Transpose (opset 1): dx = dy, axes put back by the inverse permutation.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Transpose.html
 */
export const transpose: GradientRule = {
  opType: "Transpose",
  build: (c) => [
    () => {
      const axes = c.x().dims.map((_, axis) => axis);
      const perm = c.ints("perm") ?? axes.toReversed();
      return c.b.transpose(
        c.dy(),
        axes.map((axis) => perm.indexOf(axis)),
      );
    },
  ],
};
