import { sliceConvolution } from "./blocked-gradients.ts";
import { normalizeAxis } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * Concat (opset 4): dxᵢ = the slice of dy where xᵢ is.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Concat.html
 */
export const concat: GradientRule = {
  opType: "Concat",
  build: (c) => {
    const axis = normalizeAxis(c.int("axis", 0), c.y().dims.length);
    const sizes = c.node.input.map((_, i) => c.x(i).dims[axis] as number);
    return sizes.map((size, i) => () => {
      const start = sizes.slice(0, i).reduce((sum, before) => sum + before, 0);
      if (sizes.length === 1) {
        return c.dy();
      }
      const direct = axis === 1 && sliceConvolution(c.b, c.dy(), start, start + size);
      return direct || c.b.slice(c.dy(), [axis], [start], [start + size]);
    });
  },
};
