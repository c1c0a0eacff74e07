import { reduction } from "./reduction.ts";

/**
 * ReduceProd (opset 1): dx = dy times the product of the other elements, right at zeros too: it is the
 * product of all elements other than zero, less this one, unless another element is zero.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceProd.html
 */
export const reduceProd = reduction(
  "ReduceProd",
  ({ c, div, equal, less, mul, sub, where, axes, x, dy }) => {
    const isZero = equal(x, 0);
    const nonzero = where(isZero, 1, x);
    const zero = c.b.cast(isZero, x.dtype);
    const otherZeros = sub(c.b.reduce("ReduceSum", zero, axes), zero);
    const others = div(c.b.reduce("ReduceProd", nonzero, axes), nonzero);
    return where(less(otherZeros, 0.5), mul(dy, others), 0);
  },
);
