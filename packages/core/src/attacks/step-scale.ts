import { AsmaError } from "../errors.ts";
import type { StepScale } from "./attack.ts";

/** Step sizes as a user gives them, in the units of the paper. */
export interface StepScaleOptions {
  /** β: growth of the step size with the IoU. Needs `tau`. */
  readonly beta?: number;
  /** τ: step size at IoU 0. Needs `beta`. */
  readonly tau?: number;
  /** Constant step size, for attacks without the dynamic multiplier. */
  readonly alpha?: number;
}

/** β/τ of the authors' code: 1e-6 and 1e-7. */
const betaOverTau = 10;

/** Root mean square by which the first automatic step changes the image's values. */
const firstStepRms = 1e-4;

/**
 * The step size for which the first step changes the image by a root mean square of 1e-4 (one fortieth
 * of an 8-bit level): large enough to arrive, small enough to stop early on the way. A constant step
 * is halfway between what β and τ start and end with.
 *
 * The paper's own β and τ suit its model only: the gradient grows with the number of wrong pixels,
 * the scale of the logits and the size of the image.
 *
 * @param gradientL2 ‖∇L(x_0)‖₂; 0 when no pixel is wrong and no step will be taken
 * @param values number of values of the image
 */
export function automaticScale(gradientL2: number, values: number, isDynamic: boolean): StepScale {
  const tau = gradientL2 > 0 ? (firstStepRms * Math.sqrt(values)) / gradientL2 : 0;
  return isDynamic
    ? { beta: betaOverTau * tau, tau, isAutomatic: true, growth: 1 }
    : { beta: 0, tau: (1 + betaOverTau / 2) * tau, isAutomatic: true, growth: 1 };
}

/**
 * Checks step sizes given by the user.
 *
 * @throws AsmaError `ERR_STEP_SIZE` for numbers that are not positive and for β without τ
 */
export function checkStepScale(options: StepScaleOptions, isDynamic: boolean): void {
  for (const name of ["beta", "tau", "alpha"] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
      throw new AsmaError(
        "ERR_STEP_SIZE",
        `Expected a positive number for ${name} but found ${value}: leave it out for an automatic step size.`,
      );
    }
  }
  if (
    isDynamic
      ? options.alpha !== undefined
      : options.beta !== undefined || options.tau !== undefined
  ) {
    throw new AsmaError(
      "ERR_STEP_SIZE",
      isDynamic
        ? "alpha is the constant step size of attacks without the dynamic multiplier: give beta and tau instead."
        : "beta and tau belong to the dynamic multiplier: give alpha for a constant step size.",
    );
  }
  if ((options.beta === undefined) !== (options.tau === undefined)) {
    throw new AsmaError(
      "ERR_STEP_SIZE",
      "beta and tau belong together: give both, or neither for an automatic step size.",
    );
  }
}
