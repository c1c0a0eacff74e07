import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import { tiny } from "../attack/limits.ts";
import type { DistanceName } from "./index.ts";

/**
 * argmin_z ½·Σ H·(z − r)² + w·‖z‖: a perturbation with its norm made smaller, where H says what that costs
 * at each value. Solved by as many rounds of Newton's method as float32 can use, which come from one side.
 * The result lies between 0 and r, value by value.
 *
 * @param r [N, …]
 * @param metric [N, …]: H > 0
 * @param weight [N, 1, …]: w ≥ 0
 * @see Melchior, Joseph, Moolekamp 2019, arXiv 1910.10094: proximal Adam, where H is what Adam divides by
 */
export const proximal: Readonly<
  Record<DistanceName, (ops: Operators, r: Value, metric: Value, weight: Value) => Value>
> = {
  /** z = clip(r, ±t) with Σ H·(|r| − t)₊ = w: t, a root of a convex falling function, from below. */
  linf: ({ sub, mul, div, min, max, abs, sum, greater, indicator }, r, metric, weight) => {
    const size = abs(r);
    const pull = mul(metric, size);
    let t = mul(weight, 0);
    for (let round = 0; round < 16; round++) {
      const isOver = indicator(greater(size, t));
      const excess = sub(sum(mul(pull, isOver)), weight);
      t = max(t, div(excess, max(sum(mul(metric, isOver)), tiny)));
    }
    return max(min(r, t), mul(t, -1));
  },
  /**
   * z = ν·H·r/(H·ν + w) with ν = ‖z‖, or 0 where ‖H·r‖ ≤ w: ν, a root of the concave rising function
   * 1/‖H·r/(H·ν + w)‖ − 1.
   */
  l2: ({ add, sub, mul, div, max, sqrt, sum }, r, metric, weight) => {
    const pull = mul(metric, r);
    let nu = sqrt(sum(mul(r, r)));
    const quotient = () => {
      const divisor = max(add(mul(metric, nu), weight), tiny);
      return [divisor, div(pull, divisor)] as const;
    };
    for (let round = 0; round < 8; round++) {
      const [divisor, q] = quotient();
      const square = sum(mul(q, q));
      const slope = sum(div(mul(metric, mul(q, q)), divisor));
      const move = div(mul(sub(sqrt(square), 1), square), max(slope, tiny));
      nu = max(add(nu, move), 0);
    }
    return mul(quotient()[1], nu);
  },
};
