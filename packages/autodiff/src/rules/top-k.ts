import { normalizeAxis } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * TopK (opset 11): dx = dy at the places that the
 * second output names, zeros elsewhere; among equal values the runtime's choice counts.
 *
 * @see https://onnx.ai/onnx/operators/onnx__TopK.html
 */
export const topK: GradientRule = {
  opType: "TopK",
  build: (c) => [
    () => {
      const axis = normalizeAxis(c.int("axis", -1), c.x().dims.length);
      return c.b.op("ScatterElements", [c.b.fill(0, c.x()), c.y(1), c.dy()], { axis });
    },
  ],
};
