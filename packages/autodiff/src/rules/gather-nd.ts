import type { GradientRule } from "./gradient-rule.ts";
import { addToRows, rowsOfSlices } from "./linear-indices.ts";

/**
 * GatherND (opset 11; batch_dims from 12): dx = dy summed to the slices that the coordinates name;
 * repeated coordinates add up.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GatherND.html
 */
export const gatherND: GradientRule = {
  opType: "GatherND",
  build: (c) => [
    () => {
      const { dims } = c.x();
      return addToRows(c.b, c.dy(), rowsOfSlices(c, 1, dims, c.int("batch_dims", 0)), dims);
    },
  ],
};
