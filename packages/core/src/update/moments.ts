import type { Value } from "@onnx-asma/autodiff";
import type { Operand, Operators } from "../attack/operators.ts";
import type { StateSpec } from "../attack/recipe.ts";

/** Decay of the mean gradient and of the mean of its square, and what keeps from dividing by 0. */
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8] as const;

/** What Adam keeps. */
export const momentState = {
  first: { like: "image" },
  second: { like: "image" },
} as const satisfies Record<string, StateSpec>;

/** Adam's moments. */
export type Moments = Readonly<Record<keyof typeof momentState, Value>>;

/**
 * Adam's moments after a gradient:
 *
 *     m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
 *
 * A step goes along m/(1 − β₁ᵗ) over {@link metricOf}.
 *
 * @see Kingma and Ba 2015, arXiv 1412.6980, algorithm 1
 */
export function moments({ add, mul }: Operators, gradient: Value, last: Moments): Moments {
  return {
    first: add(mul(last.first, beta1), mul(gradient, 1 - beta1)),
    second: add(mul(last.second, beta2), mul(mul(gradient, gradient), 1 - beta2)),
  };
}

/**
 * √(v/(1 − β₂ᵗ)) + 1e-8: the metric that Adam divides by.
 *
 * @param second v
 * @param vBias of {@link momentBias}
 */
export function metricOf({ add, mul, sqrt }: Operators, second: Value, vBias: Operand): Value {
  return add(sqrt(mul(second, vBias)), epsilon);
}

/** 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ) of step n, t = n + 1: they make up for moments that begin at 0. */
export function momentBias(n: number) {
  return { mBias: 1 / (1 - beta1 ** (n + 1)), vBias: 1 / (1 - beta2 ** (n + 1)) };
}
