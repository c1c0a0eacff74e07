import { normalizeAxis } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * Split (opset 2): dx = the upstream gradients side by side, zeros for outputs without one.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Split.html
 */
export const split: GradientRule = {
  opType: "Split",
  build: (c) => [
    () => {
      const { dims } = c.x();
      const axis = normalizeAxis(c.int("axis", 0), dims.length);
      const parts = c.node.output.map((_, i) => i);
      const [only, ...others] = parts.filter((i) => c.hasUpstream(i));
      if (only === undefined || others.length > 0) {
        return c.b.concat(
          parts.map((i) => c.dy(i)),
          axis,
        );
      }
      const size = (i: number) => c.y(i).dims[axis] as number;
      const before = parts.slice(0, only).reduce((sum, i) => sum + size(i), 0);
      const after = parts.slice(only + 1).reduce((sum, i) => sum + size(i), 0);
      const beside = (amount: number) => dims.map((_, i) => (i === axis ? amount : 0));
      return c.b.pad(c.dy(only), [...beside(before), ...beside(after)]);
    },
  ],
};
