import type { StepInputs } from "../step/step-session.ts";
import type { StepRecord, StepScale } from "./attack.ts";

/** Decides the step size parameters of each step. */
export interface StepSchedule {
  /** For the coming step. */
  inputs(): StepInputs;
  /** Told what each step came to. */
  advance(record: StepRecord): void;
  /** Factor by which the step size has grown so far, where it does. */
  readonly growth?: number;
}

/** α_n = β·IoU(Y, ŷ(x_n)) + τ, measured in the step itself; a constant α is τ with β = 0. */
export function paperSchedule(scale: StepScale, lambda: number, erasedFrom?: number): StepSchedule {
  const { beta, tau } = scale;
  return { inputs: () => ({ beta, tau, lambda, erasedFrom }), advance: () => undefined };
}

/** Steps without a better iterate after which the automatic step size grows. */
const patience = 12;

/** How much it grows then. */
const growth = 1.3;

/**
 * As {@link paperSchedule} with a step size that was found from the first gradient: when no iterate has
 * come closer to the target for a while, β and τ grow together. The last wrong pixels have a small
 * gradient, which nobody knows beforehand.
 */
export function automaticSchedule(
  scale: StepScale,
  lambda: number,
  erasedFrom?: number,
): StepSchedule {
  let factor = 1;
  let fewestWrong = Number.POSITIVE_INFINITY;
  let since = 0;
  return {
    inputs: () => ({ beta: scale.beta * factor, tau: scale.tau * factor, lambda, erasedFrom }),
    advance: ({ wrongPixels }) => {
      since = wrongPixels < fewestWrong ? 0 : since + 1;
      fewestWrong = Math.min(fewestWrong, wrongPixels);
      if (since >= patience) {
        factor *= growth;
        since = 0;
      }
    },
    get growth() {
      return factor;
    },
  };
}

/** As adversarial-library: the first step is τ, whatever the IoU of the untouched image. */
export function advLibSchedule({ beta, tau }: StepScale, lambda: number): StepSchedule {
  let isFirst = true;
  return {
    inputs: () => ({ beta: isFirst ? 0 : beta, tau, lambda }),
    advance: () => {
      isFirst = false;
    },
  };
}

/** As the authors' code: α_0 = τ, then the IoU of the iterate **before** clipping. */
export function referenceSchedule({ beta, tau }: StepScale, lambda: number): StepSchedule {
  let alpha = tau;
  return {
    inputs: () => ({ beta: 0, tau: alpha, lambda }),
    advance: ({ unclipped }) => {
      alpha = beta * (unclipped?.iou ?? 0) + tau;
    },
  };
}
