import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";

/**
 * OneHot (opset 9) in its values [off, on]: each gets the sum of dy over the elements that have it. The
 * indices and the depth carry no gradient.
 *
 * @see https://onnx.ai/onnx/operators/onnx__OneHot.html
 */
export const oneHot: GradientRule = {
  opType: "OneHot",
  build: (c) => [
    null,
    null,
    () => {
      const { b } = c;
      const { add, equal, less, where } = arithmetic(b);
      const { dims } = c.y();
      const axis = normalizeAxis(c.int("axis", -1), dims.length);
      const depth = dims[axis] as number;
      const indices = b.cast(
        b.reshape(
          c.x(0),
          dims.map((d, i) => (i === axis ? 1 : d)),
        ),
        "int64",
      );
      const classes = b.constant(
        "int64",
        dims.map((_, i) => (i === axis ? depth : 1)),
        Array.from({ length: depth }, (_, i) => i),
      );
      const isOn = lazy(() =>
        equal(where(less(indices, 0), add(indices, depth), indices), classes),
      );
      const axes = dims.map((_, i) => i);
      const total = (off: boolean) =>
        b.reshape(
          b.reduce("ReduceSum", off ? where(isOn(), 0, c.dy()) : where(isOn(), c.dy(), 0), axes),
          [1],
        );
      return b.op("Concat", [total(true), total(false)], { axis: 0 });
    },
  ],
};
