import type { StepRecord } from "../attack/step-record.ts";
import type { StepMetrics } from "../step/iterates.ts";

/** IoU and norms of an image that a recipe wanted measured. */
export type Measured = Readonly<Record<"iou" | "l2" | "linf", number>>;

/** The record of step n from what its graph measured. */
export function recordOf(
  n: number,
  m: StepMetrics,
  { unclipped, targeted }: { readonly unclipped: Measured | undefined; readonly targeted: boolean },
): StepRecord {
  return {
    step: n,
    iou: m.iou,
    pixelAccuracy: m.countedPixels === 0 ? 1 : m.correctPixels / m.countedPixels,
    wrongPixels: targeted ? m.countedPixels - m.correctPixels : m.correctPixels,
    loss: m.loss,
    l1: m.l1,
    l2: m.l2,
    linf: m.linf,
    gradientL2: m.gradientL2,
    logs:
      unclipped === undefined
        ? m.logs
        : {
            ...m.logs,
            unclippedIou: unclipped.iou,
            unclippedL2: unclipped.l2,
            unclippedLinf: unclipped.linf,
          },
  };
}

/**
 * Whether scores and gradient can be followed. A maximum may pass over NaN, a sum does not; scores that
 * are not numbers count as right in every comparison.
 */
export function isNumber({ gradientL2, gradientLinf, scoresNotNumbers }: StepMetrics): boolean {
  return Number.isFinite(gradientL2) && Number.isFinite(gradientLinf) && scoresNotNumbers === 0;
}
