import { normalizeAxis } from "../graph/value.ts";
import { timesSign } from "./abs.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * LpNormalization (opset 1), y = x/n with the 1- or 2-norm n along the axis: dx = (dy − s·Σ dy·y)/n, where
 * s is y for p = 2 and sign(x) for p = 1; 0 for vectors of norm 0, where y is 0.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LpNormalization.html
 */
export const lpNormalization: GradientRule = {
  opType: "LpNormalization",
  build: (c) => [
    () => {
      const { b } = c;
      const a = arithmetic(b);
      const { div, equal, mul, sub, where } = a;
      const [x, y, dy] = [c.x(), c.y(), c.dy()];
      const axis = normalizeAxis(c.int("axis", -1), x.dims.length);
      const sum = (value: typeof x) => b.reduce("ReduceSum", value, [axis]);
      const isOne = c.int("p", 2) === 1;
      const norm = isOne ? sum(b.op("Abs", [x])) : b.op("Sqrt", [sum(mul(x, x))]);
      const along = sum(mul(dy, y));
      const radial = isOne ? timesSign(a, along, x) : mul(y, along);
      const isZero = equal(norm, 0);
      return where(isZero, 0, div(sub(dy, radial), where(isZero, 1, norm)));
    },
  ],
};
