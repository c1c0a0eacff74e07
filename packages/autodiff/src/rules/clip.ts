import type { Value } from "../graph/value.ts";
import { arithmetic } from "./arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Clip (opset 6: bounds as attributes; opset 11: as inputs): dx = dy where the bounds leave x as it is,
 * else 0; x on a bound passes the gradient, as in PyTorch. A computed bound gets the sum of dy where x
 * lies beyond it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Clip.html
 */
export const clip: GradientRule = {
  opType: "Clip",
  build: (c) => {
    const { equal, greater, less, where } = arithmetic(c.b);
    const beyond = (mask: () => Value, bound: number) => () =>
      unbroadcast(c.b, where(mask(), c.dy(), 0), c.x(bound).dims);
    return [
      () => where(equal(c.x(), c.y()), c.dy(), 0),
      beyond(() => less(c.x(0), c.x(1)), 1),
      beyond(() => greater(c.x(0), c.x(2)), 2),
    ];
  },
};
