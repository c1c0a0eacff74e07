import type { Value } from "@onnx-asma/autodiff";
import type { StateSpec } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";

/** Weight of the mean so far in the mean of the multipliers. */
const memory = 0.9;

/** What {@link multipliers} keeps: λ, the mean of its weights, and of what they leave to the distance. */
export const multiplierState = {
  lambda: { like: "grid" },
  weight: { like: "grid" },
  rest: { like: "number" },
} as const satisfies Record<string, StateSpec>;

/**
 * One multiplier for each scored pixel and one, fixed, for the distance; a pixel's rises while it is not
 * as wanted and falls while it is. Of N scored pixels:
 *
 *     λ_0     = −log N
 *     w_i     = e^{λ_i}/(1 + Σ_k e^{λ_k}),   1 − Σ w for the distance
 *     w̄      ← 0.9·w̄ + 0.1·w
 *     λ_{n+1} = clip(λ_n + θ_n·sign(m), ±largest)
 *
 * @param violation [N, 1, …grid]: m, above 0 where a pixel is not as wanted
 * @param theta [N, 1, …]: θ_n
 * @param largest of |λ|
 * @returns w̄ [N, 1, …grid], 0 on ignored pixels; what is left to the distance [N, 1, …]; the next λ
 */
export function multipliers(
  { ops, state, counted, measured, isFirst }: StepContext<keyof typeof multiplierState>,
  violation: Value,
  theta: Value,
  largest: number,
): Readonly<Record<keyof typeof multiplierState, Value>> {
  const { add, mul, div, max, exp, log, sum, sign, clip, where } = ops;
  const start = mul(log(max(measured.countedPixels, 1)), -1);
  const lambda = where(isFirst, start, state.lambda);
  const raised = mul(exp(lambda), counted);
  const all = add(sum(raised), 1);
  const mean = (last: Value, now: Value) =>
    where(isFirst, now, add(mul(last, memory), mul(now, 1 - memory)));
  return {
    lambda: clip(add(lambda, mul(sign(violation), theta)), -largest, largest),
    weight: mean(state.weight, div(raised, all)),
    rest: mean(state.rest, div(1, all)),
  };
}
