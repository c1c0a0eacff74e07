import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Clip (opset 11): dx = dy where the bounds leave x as it is,
 * else 0; x on a bound passes the gradient, as in PyTorch. A computed bound gets the sum of dy where x
 * lies beyond it; where the lower bound is above the upper, the upper one gets all.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Clip.html
 */
export const clip: GradientRule = {
  opType: "Clip",
  build: (c) => {
    const { equal, greater, less, where } = arithmetic(c.b);
    const either = (opType: "And" | "Or", a: Value, b: Value) => c.b.op(opType, [a, b]);
    // With both bounds and the lower above the upper, y is the upper one.
    const isCrossed = lazy(() => greater(c.x(1), c.x(2)));
    const hasBoth = c.hasInput(1) && c.hasInput(2);
    const beyond = (mask: () => Value, bound: number) => () =>
      unbroadcast(c.b, where(mask(), c.dy(), 0), c.x(bound).dims);
    return [
      () => where(equal(c.x(), c.y()), c.dy(), 0),
      beyond(() => {
        const isBelow = less(c.x(0), c.x(1));
        return hasBoth ? either("And", isBelow, c.b.op("Not", [isCrossed()])) : isBelow;
      }, 1),
      beyond(() => {
        const isAbove = greater(c.x(0), c.x(2));
        return hasBoth ? either("Or", isAbove, isCrossed()) : isAbove;
      }, 2),
    ];
  },
};
