import type { BoundStep, StepInputs } from "../step/step-session.ts";
import type { StepScale } from "./attack.ts";

/** Decides the step size parameters of each step. */
export interface StepSchedule {
  /** For the coming step. */
  inputs(): StepInputs;
  /** Told after each step; `unclipped` is u_{n+1}, which it may keep only while it runs. */
  advance(unclipped: Float32Array): Promise<void>;
}

const nothing = async (): Promise<void> => undefined;

/** α_n = β·IoU(Y, ŷ(x_n)) + τ, measured in the step itself; a constant α is τ with β = 0. */
export function paperSchedule(scale: StepScale, lambda: number, erasedFrom?: number): StepSchedule {
  const { beta, tau } = scale;
  return { inputs: () => ({ beta, tau, lambda, erasedFrom }), advance: nothing };
}

/** As adversarial-library: the first step is τ, whatever the IoU of the untouched image. */
export function advLibSchedule({ beta, tau }: StepScale, lambda: number): StepSchedule {
  let isFirst = true;
  return {
    inputs: () => ({ beta: isFirst ? 0 : beta, tau, lambda }),
    advance: async () => {
      isFirst = false;
    },
  };
}

/** As the authors' code: α_0 = τ, then the IoU of the iterate **before** clipping, by a second forward. */
export function referenceSchedule(
  { beta, tau }: StepScale,
  lambda: number,
  run: BoundStep,
): StepSchedule {
  let alpha = tau;
  return {
    inputs: () => ({ beta: 0, tau: alpha, lambda }),
    advance: async (unclipped) => {
      const { metrics } = await run(unclipped, { beta: 0, tau: 0, lambda: 0 });
      alpha = beta * metrics.iou + tau;
    },
  };
}
