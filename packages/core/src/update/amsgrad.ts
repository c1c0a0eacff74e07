import type { Value } from "@onnx-asma/autodiff";
import type { StateSpec } from "../attack/recipe.ts";
import type { Operators } from "../attack/operators.ts";

/** Decay of the averages of gradients and of their squares, and what keeps from dividing by 0. */
const [beta1, beta2, tiny] = [0.9, 0.999, 1e-8] as const;

/** The averages of AMSGrad, as a recipe's state has them. */
export const amsgradState = {
  m: { like: "image" },
  v: { like: "image" },
  vMax: { like: "image" },
} as const satisfies Record<string, StateSpec>;

/** The averages of AMSGrad. */
export type Averages = Readonly<Record<keyof typeof amsgradState, Value>>;

/** 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ) of step n, t = n + 1: they make up for averages that begin at 0. */
export function amsgradBias(n: number) {
  return { mBias: 1 / (1 - beta1 ** (n + 1)), vBias: 1 / (1 - beta2 ** (n + 1)) };
}

/**
 * Adam with a step size that does not grow again:
 *
 *     m ← β₁·m + (1 − β₁)·∇,   v ← β₂·v + (1 − β₂)·∇²,   v_max ← max(v_max, v)
 *     direction = m/(1 − β₁ᵗ)/(√(v_max/(1 − β₂ᵗ)) + 1e-8)
 *
 * @param bias numbers of {@link amsgradBias}
 * @see Reddi, Kale, Kumar 2018, arXiv 1904.09237, algorithm 2, with Adam's bias correction as PyTorch has it
 */
export function amsgrad(
  { add, mul, div, max, sqrt }: Operators,
  gradient: Value,
  last: Averages,
  bias: Readonly<Record<keyof ReturnType<typeof amsgradBias>, Value>>,
): { readonly direction: Value; readonly averages: Averages } {
  const m = add(mul(last.m, beta1), mul(gradient, 1 - beta1));
  const v = add(mul(last.v, beta2), mul(mul(gradient, gradient), 1 - beta2));
  const vMax = max(last.vMax, v);
  const scale = add(sqrt(mul(vMax, bias.vBias)), tiny);
  return { direction: div(mul(m, bias.mBias), scale), averages: { m, v, vMax } };
}
