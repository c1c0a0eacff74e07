import { isFloat } from "../model/data-type.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

const toTypeOfInput = (c: RuleContext) =>
  isFloat(c.x().dtype) && isFloat(c.y().dtype) ? () => c.b.cast(c.dy(), c.x().dtype) : null;

/**
 * Cast (opset 6): dx = dy in the dtype of x, between floats; nothing flows through integers.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Cast.html
 */
export const cast: GradientRule = {
  opType: "Cast",
  build: (c) => [toTypeOfInput(c)],
};

/**
 * CastLike (opset 15), Cast to the type of another tensor: dx = dy in the dtype of x; the other tensor
 * gives its type alone.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CastLike.html
 */
export const castLike: GradientRule = {
  opType: "CastLike",
  build: (c) => [toTypeOfInput(c)],
};
