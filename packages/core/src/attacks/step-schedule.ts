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

/** Steps after which the automatic step size looks back. */
const window = 12;

/** Share of the wrong pixels that has to be gone by then for the step size to stay as it is. */
const enough = 0.1;

/** By how much it changes otherwise, and how far it may grow. */
const change = 1.3;
const largestGrowth = 8;

/**
 * As {@link paperSchedule} with a step size that was found from the first gradient: when too few wrong
 * pixels went in a while, β and τ change together. The last wrong pixels have a small gradient, which
 * nobody knows beforehand, so the steps grow at first; large steps that do not help shrink again.
 */
export function automaticSchedule(
  scale: StepScale,
  lambda: number,
  erasedFrom?: number,
): StepSchedule {
  let factor = 1;
  let direction = change;
  let fewest = Number.POSITIVE_INFINITY;
  let fewestBefore = Number.POSITIVE_INFINITY;
  return {
    inputs: () => ({ beta: scale.beta * factor, tau: scale.tau * factor, lambda, erasedFrom }),
    advance: ({ step, wrongPixels }) => {
      fewest = Math.min(fewest, wrongPixels);
      if ((step + 1) % window !== 0) {
        return;
      }
      if (fewest > (1 - enough) * fewestBefore) {
        if (factor * direction > largestGrowth || factor * direction < 1) {
          direction = 1 / direction;
        }
        factor *= direction;
      }
      fewestBefore = fewest;
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
