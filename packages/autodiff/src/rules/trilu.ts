import type { GradientRule } from "./gradient-rule.ts";

/**
 * Trilu (opset 14): dx = the same triangle of dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Trilu.html
 */
export const trilu: GradientRule = {
  opType: "Trilu",
  build: (c) => [
    () => c.b.op("Trilu", [c.dy(), c.hasInput(1) ? c.x(1) : null], { upper: c.int("upper", 1) }),
  ],
};
