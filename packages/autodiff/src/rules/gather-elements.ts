import { normalizeAxis, type Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import { arithmetic } from "./arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import { fromFront, scatterAdd, reduceElements } from "./scatter-add.ts";

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
  const { b } = c;
  const axis = normalizeAxis(c.int("axis", 0), dims.length);
  const indices = c.x(1);
  if (b.opset >= 16) {
    const zeros = b.fill(0, { dtype: gradient.dtype, dims });
    return reduceElements(b, "add", zeros, indices, gradient, axis);
  }
  // Counted through all elements, so that the tensors are plain lists.
  const { add, mul } = arithmetic(b);
  const stride = (k: number) => elementCount(dims.slice(k + 1));
  const along = fromFront(b, b.cast(indices, "int64"), dims[axis] as number);
  const places = indices.dims.reduce(
    (sum, d, k) => {
      if (k === axis || d === 1) {
        return sum;
      }
      const shape = indices.dims.map((_, i) => (i === k ? d : 1));
      const starts = Array.from({ length: d }, (_, i) => i * stride(k));
      return add(sum, b.constant("int64", shape, starts));
    },
    mul(along, stride(axis)),
  );
  const count = elementCount(gradient.dims);
  const sums = scatterAdd(
    b,
    b.reshape(gradient, [count]),
    0,
    elementCount(dims),
    b.reshape(places, [count]),
  );
  return b.reshape(sums, dims);
}
