import type { Value } from "@onnx-asma/autodiff";
import type { StateSpec } from "../attack/recipe.ts";
import type { Operand, Operators } from "../attack/operators.ts";

/** Decay of the mean gradient and of its square, and what keeps the step finite. */
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8] as const;

/** What Adam keeps. */
export const adamState = {
  first: { like: "image" },
  second: { like: "image" },
} as const satisfies Record<string, StateSpec>;

/**
 * Adam's moments after a gradient, and the metric that it divides by:
 *
 *     m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²,   D = √(v/(1 − β₂ⁿ)) + ε
 *
 * A step is then m/D times `adamNumbers`' rate.
 *
 * @param unbias 1/(1 − β₂ⁿ), of {@link adamNumbers}
 * @see Kingma and Ba 2015, arXiv 1412.6980, algorithm 1
 */
export function adam(
  { add, mul, sqrt }: Operators,
  gradient: Value,
  state: { readonly first: Value; readonly second: Value },
  unbias: Operand,
): { readonly first: Value; readonly second: Value; readonly metric: Value } {
  const first = add(mul(state.first, beta1), mul(gradient, 1 - beta1));
  const second = add(mul(state.second, beta2), mul(mul(gradient, gradient), 1 - beta2));
  return { first, second, metric: add(sqrt(mul(second, unbias)), epsilon) };
}

/** What step n (from 0) needs: the step size over 1 − β₁ⁿ⁺¹, and 1/(1 − β₂ⁿ⁺¹). */
export function adamNumbers(stepSize: number, n: number): { rate: number; unbias: number } {
  return { rate: stepSize / (1 - beta1 ** (n + 1)), unbias: 1 / (1 - beta2 ** (n + 1)) };
}
