import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";

/** Multiplier μ and penalty parameter ρ of a constraint. */
export interface PenaltyState {
  readonly mu: Value;
  readonly rho: Value;
}

/**
 * A penalty-Lagrangian function of a constraint y ≤ 0:
 *
 *     P(y) = μ·y + μ·ρ·y² + ρ²·y³/6      for y ≥ 0
 *            μ·y/(1 − max(ρ, 1)·y)       for y < 0
 *
 * @see Birgin, Castillo, Martínez 2005, doi 10.1007/s10589-005-1066-7, P₂
 */
export function penalty(ops: Operators, y: Value, { mu, rho }: PenaltyState): Value {
  const { add, sub, mul, div, min, max } = ops;
  const above = max(y, 0);
  const square = mul(above, above);
  const cubic = div(mul(mul(rho, rho), mul(square, above)), 6);
  const over = add(add(mul(mu, above), mul(mul(mu, rho), square)), cubic);
  const below = min(y, 0);
  return add(over, div(mul(mu, below), sub(1, mul(max(rho, 1), below))));
}

/**
 * P′(y), above 0 everywhere.
 *
 * @param isPublished as adversarial-library has it for y ≥ 0, with μ·y in place of μ: it is 0 at the border
 */
export function penaltySlope(
  ops: Operators,
  y: Value,
  { mu, rho }: PenaltyState,
  isPublished: boolean,
): Value {
  const { add, sub, mul, div, min, max, less, where } = ops;
  const above = max(y, 0);
  const first = isPublished ? mul(mu, above) : mu;
  const linear = mul(mul(mul(mu, rho), above), 2);
  const square = mul(mul(mul(rho, rho), mul(above, above)), 0.5);
  const root = sub(1, mul(max(rho, 1), min(y, 0)));
  return where(less(y, 0), div(mu, mul(root, root)), add(add(first, linear), square));
}
