import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Div (opset 7): da = dy/b, db = −dy·y/b, each summed to its input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Div.html
 */
export const div: GradientRule = {
  opType: "Div",
  build: (c) => {
    const { div, mul } = arithmetic(c.b);
    return [
      () => unbroadcast(c.b, div(c.dy(), c.x(1)), c.x(0).dims),
      () => {
        const db = div(mul(c.dy(), c.y()), c.x(1));
        return c.b.op("Neg", [unbroadcast(c.b, db, c.x(1).dims)]);
      },
    ];
  },
};
