import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Pow (opset 7): dx = dy·p·x^(p−1), and 0 where p = 0; dp = dy·y·ln x, and 0 where x = 0; each summed to
 * its input's dims. Small constant exponents become products and quotients.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Pow.html
 */
export const pow: GradientRule = {
  opType: "Pow",
  build: (c) => [
    () => unbroadcast(c.b, gradientOfBase(c), c.x(0).dims),
    () => {
      const { equal, mul, where } = arithmetic(c.b);
      const slope = where(equal(c.x(0), 0), 0, mul(c.y(), c.b.op("Log", [c.x(0)])));
      return unbroadcast(c.b, c.b.cast(mul(c.dy(), slope), c.x(1).dtype), c.x(1).dims);
    },
  ],
};

function gradientOfBase(c: RuleContext): Value {
  const { div, mul, sub, equal, where } = arithmetic(c.b);
  const [x, y, dy] = [c.x(0), c.y(), c.dy()];
  const numbers = c.constant(1);
  const exponent = numbers?.[0];
  if (exponent !== undefined && numbers?.every((number) => number === exponent)) {
    switch (exponent) {
      case 0:
        return c.b.fill(0, y);
      case 1:
        return dy;
      case 2:
        return mul(dy, mul(x, 2));
      case 3:
        return mul(dy, mul(mul(x, x), 3));
      case 0.5:
        return div(mul(dy, 0.5), y);
      case -1:
        return mul(mul(dy, -1), mul(y, y));
      default:
        return mul(dy, mul(c.b.op("Pow", [x, c.b.scalar(exponent - 1, x.dtype)]), exponent));
    }
  }
  const p = c.b.cast(c.x(1), x.dtype);
  return mul(dy, where(equal(p, 0), 0, mul(p, c.b.op("Pow", [x, sub(p, 1)]))));
}
