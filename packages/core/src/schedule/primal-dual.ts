import * as v from "valibot";
import type { Schedule } from "../attack/recipe.ts";
import { momentBias } from "../update/moments.ts";

const rate = (of: string) =>
  v.pipe(v.number(), v.gtValue(0), v.finite(), v.description(`first step size of ${of}`));

const decay = (of: string) =>
  v.pipe(
    v.number(),
    v.gtValue(0),
    v.maxValue(1),
    v.description(`what is left at the end of the step size of ${of}, as a share`),
  );

/** Step sizes of the image and of the multipliers. */
export const primalDualRates = {
  primalRate: v.optional(rate("the image"), 0.01),
  primalDecay: v.optional(decay("the image"), 0.01),
  dualRate: v.optional(rate("the multipliers"), 0.1),
  dualDecay: v.optional(decay("the multipliers"), 0.1),
} as const;

/** What a step is told: θ_r/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ) of Adam, θ_r itself, and θ_λ. */
export const primalDualNumbers = ["rate", "vBias", "thetaR", "thetaLambda"] as const;

/** θ_r falls geometrically and θ_λ linearly over the T steps. */
export function primalDual(
  o: { readonly [Name in keyof typeof primalDualRates]: number },
  T: number,
): Schedule<(typeof primalDualNumbers)[number]> {
  return {
    next: (n) => {
      const thetaR = o.primalRate * o.primalDecay ** (n / T);
      const left = Math.max(0, 1 - n / Math.max(1, T - 1));
      const thetaLambda = o.dualRate * (left * (1 - o.dualDecay) + o.dualDecay);
      const { mBias, vBias } = momentBias(n);
      return { rate: thetaR * mBias, vBias, thetaR, thetaLambda };
    },
  };
}
