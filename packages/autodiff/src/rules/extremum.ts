import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Max (opset 8): dxᵢ = dy/n where xᵢ = y, else 0, for n inputs that reach y (ties split evenly, as
 * torch.maximum), summed to the input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Max.html
 */
export const max = extremum("Max");

/**
 * Min (opset 8): as Max.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Min.html
 */
export const min = extremum("Min");

function extremum(opType: "Max" | "Min"): GradientRule {
  return {
    opType,
    build: (c) => {
      const { add, div, equal, where } = arithmetic(c.b);
      const isReached = c.node.input.map((_, i) => lazy(() => equal(c.x(i), c.y())));
      const share = lazy(() =>
        c.inputCount === 1
          ? c.dy()
          : div(
              c.dy(),
              isReached
                .map((mask) => c.b.cast(mask(), c.y().dtype))
                .reduce((n, one) => add(n, one)),
            ),
      );
      return isReached.map(
        (mask, i) => () => unbroadcast(c.b, where(mask(), share(), 0), c.x(i).dims),
      );
    },
  };
}
