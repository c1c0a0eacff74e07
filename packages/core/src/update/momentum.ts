import type { Value } from "@onnx-asma/autodiff";
import type { Operand, Operators } from "../attack/operators.ts";
import { tiny } from "../attack/limits.ts";

/**
 * m_{n+1} = μ·m_n + ∇/‖∇‖₁: momentum over gradients of equal weight.
 *
 * @see Dong et al. 2018, arXiv 1710.06081, equation 6
 */
export function momentum(ops: Operators, gradient: Value, last: Value, mu: Operand): Value {
  const { add, mul, div, abs, sum, max } = ops;
  return add(mul(last, mu), div(gradient, max(sum(abs(gradient)), tiny)));
}
