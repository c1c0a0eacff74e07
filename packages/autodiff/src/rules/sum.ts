import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Sum (opset 8): dxᵢ = dy, summed to the input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sum.html
 */
export const sum: GradientRule = {
  opType: "Sum",
  build: (c) => c.node.input.map((_, i) => () => unbroadcast(c.b, c.dy(), c.x(i).dims)),
};

/**
 * Mean (opset 8): dxᵢ = dy/n for n inputs, summed to the input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Mean.html
 */
export const mean: GradientRule = {
  opType: "Mean",
  build: (c) =>
    c.node.input.map((_, i) => () => {
      const dx = unbroadcast(c.b, c.dy(), c.x(i).dims);
      return arithmetic(c.b).mul(dx, 1 / c.inputCount);
    }),
};
