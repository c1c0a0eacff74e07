import { normalizeAxis } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { scatterAdd } from "./scatter-add.ts";
import { untake } from "./untake.ts";

/**
 * Gather (opset 1): dx = dy summed to the places that the indices name; repeated indices add up.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Gather.html
 */
export const gather: GradientRule = {
  opType: "Gather",
  build: (c) => {
    const { dims } = c.x();
    const axis = normalizeAxis(c.int("axis", 0), dims.length);
    const size = dims[axis] as number;
    const count = c.x(1).dims.reduce((product, d) => product * d, 1);
    const dyInDimsOfX = () =>
      c.b.reshape(
        c.dy(),
        dims.map((d, i) => (i === axis ? count : d)),
      );
    const indices = c.constant(1)?.map((index) => normalizeAxis(index, size));
    if (indices !== undefined) {
      const putBack = untake(c.b, size, indices);
      return [() => putBack(dyInDimsOfX(), axis)];
    }
    return [
      () => {
        const places = c.b.cast(c.b.reshape(c.x(1), [count]), "int64");
        return scatterAdd(c.b, dyInDimsOfX(), axis, size, places);
      },
    ];
  },
};
