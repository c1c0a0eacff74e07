import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { StateSpec } from "../attack/recipe.ts";
import { metricOf, moments, momentState } from "./moments.ts";

/** The averages of AMSGrad, as a recipe's state has them. */
export const amsgradState = {
  ...momentState,
  largest: { like: "image" },
} as const satisfies Record<string, StateSpec>;

/** The averages of AMSGrad. */
export type Averages = Readonly<Record<keyof typeof amsgradState, Value>>;

/**
 * Adam with a step size that does not grow again: with m and v as Adam has them,
 *
 *     v_max ← max(v_max, v)
 *     direction = m/(1 − β₁ᵗ)/(√(v_max/(1 − β₂ᵗ)) + 1e-8)
 *
 * @param bias numbers of `momentBias`
 * @see Reddi, Kale, Kumar 2018, arXiv 1904.09237, algorithm 2, with Adam's bias correction as PyTorch has it
 */
export function amsgrad(
  ops: Operators,
  gradient: Value,
  last: Averages,
  bias: Readonly<Record<"mBias" | "vBias", Value>>,
): { readonly direction: Value; readonly averages: Averages } {
  const { mul, div, max } = ops;
  const { first, second } = moments(ops, gradient, last);
  const largest = max(last.largest, second);
  const metric = metricOf(ops, largest, bias.vBias);
  return { direction: div(mul(first, bias.mBias), metric), averages: { first, second, largest } };
}
