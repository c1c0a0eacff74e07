import { normalizeAxis, type Value } from "../graph/value.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import { reduceElements } from "./scatter-add.ts";

/**
 * GatherElements (opset 11): dx = dy summed to the elements that the indices name; repeated indices add
 * up.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GatherElements.html
 */
export const gatherElements: GradientRule = {
  opType: "GatherElements",
  build: (c) => [() => addToElements(c, c.dy(), c.x().dims)],
};

/**
 * Sums a gradient to the elements of a tensor of `dims` that input 1, of the gradient's dims, names along
 * the attribute `axis`.
 */
export function addToElements(c: RuleContext, gradient: Value, dims: readonly number[]): Value {
  const axis = normalizeAxis(c.int("axis", 0), dims.length);
  const zeros = c.b.fill(0, { dtype: gradient.dtype, dims });
  return reduceElements(c.b, "add", zeros, c.x(1), gradient, axis);
}
