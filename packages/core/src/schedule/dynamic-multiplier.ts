import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { Schedule } from "../attack/recipe.ts";
import { AutomaticGrowth } from "./automatic-growth.ts";

/** β/τ of the authors' code: 1e-6 and 1e-7. */
const betaOverTau = 10;

/** Root mean square by which the first automatic step changes the image's values. */
const firstStepRms = 1e-4;

/** What {@link dynamicMultiplier} decides by. */
export interface DynamicMultiplierOptions {
  readonly isDynamic: boolean;
  readonly flavour: "default" | "reference" | "adv_lib";
  readonly beta?: number | undefined;
  readonly tau?: number | undefined;
  readonly alpha?: number | undefined;
  readonly lambda?: number | undefined;
}

/** The numbers of ASMA's step: α_n = growth · scale · (β·IoU + τ), where scale is 1 for given step sizes. */
export type MultiplierNumbers = "beta" | "tau" | "lambda" | "growth" | "isAutomatic";

/**
 * The step size τ for which the first step changes the image by a root mean square of 1e-4 (one fortieth
 * of an 8-bit level): large enough to arrive, small enough to stop early on the way. The paper's own β
 * and τ suit its model only: the gradient grows with the number of wrong pixels, the scale of the logits
 * and the size of the image.
 *
 * @param gradient [N, C, …]
 * @returns [N, 1, …]; 0 where the gradient is
 */
export function automaticStep(
  { div, mul, sqrt, sum, where, greater }: Operators,
  gradient: Value,
): Value {
  const values = gradient.dims.slice(1).reduce((n, d) => n * d, 1);
  const length = sqrt(sum(mul(gradient, gradient)));
  const step = div(firstStepRms * Math.sqrt(values), where(greater(length, 0), length, 1));
  return where(greater(length, 0), step, 0);
}

/**
 * α_n = β·IoU + τ, or a constant α as τ with β = 0. Where no step sizes are given, β and τ are in units
 * of {@link automaticStep} and grow; a constant α is then halfway between what β and τ start and end with.
 */
export function dynamicMultiplier(o: DynamicMultiplierOptions): Schedule<MultiplierNumbers> {
  const { isDynamic, flavour, lambda = 0 } = o;
  const isAutomatic = (isDynamic ? o.tau : o.alpha) === undefined;
  const beta = isDynamic ? (o.beta ?? betaOverTau) : 0;
  const tau = (isDynamic ? o.tau : o.alpha) ?? (isDynamic ? 1 : 1 + betaOverTau / 2);
  const growth = isAutomatic && flavour === "default" ? new AutomaticGrowth() : undefined;
  // The authors' code measures IoU on the iterate before clipping, and only after the first step.
  let unclippedIou = 0;
  return {
    next: (n) => ({
      ...(flavour === "reference"
        ? { beta: 0, tau: beta * unclippedIou + tau }
        : { beta: flavour === "adv_lib" && n === 0 ? 0 : beta, tau }),
      lambda,
      growth: growth?.factor ?? 1,
      isAutomatic: isAutomatic ? 1 : 0,
    }),
    told: ({ step, wrongPixels, logs }) => {
      growth?.told(step, wrongPixels);
      unclippedIou = logs["unclippedIou"] ?? 0;
      const pull = 2 * lambda * (logs["alpha"] ?? 0);
      return pull > 1
        ? `The distance loss overshoots: 2·λ·α is ${pull.toPrecision(3)}, and above 1 it carries the image past the original. Take a smaller lambda or smaller steps.`
        : undefined;
    },
  };
}
