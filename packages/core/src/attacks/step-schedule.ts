import type { StepInputs } from "../step/step-session.ts";
import type { StepRecord, StepScale } from "./attack.ts";

/** Decides the step size parameters of each step. */
export interface StepSchedule {
  /** For the coming step. */
  inputs(): StepInputs;
  /** Told what each step came to. */
  advance(record: StepRecord): void;
}

/** α_n = β·IoU(Y, ŷ(x_n)) + τ, measured in the step itself; a constant α is τ with β = 0. */
export function paperSchedule(scale: StepScale, lambda: number, erasedFrom?: number): StepSchedule {
  const { beta, tau } = scale;
  return { inputs: () => ({ beta, tau, lambda, erasedFrom }), advance: () => undefined };
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
