import type { StepRecord } from "./attack.ts";

/**
 * Decides which iterate is the best: among those that hold the thresholds the one of smallest L2,
 * otherwise the one of highest IoU, then of highest pixel accuracy, then of smallest L2.
 */
export class BestIterate {
  #best: { readonly record: StepRecord; readonly reached: boolean } | undefined;

  /** Compares a step with the best so far; whether it is better. */
  offer(record: StepRecord, reached: boolean): boolean {
    const best = this.#best;
    const isBetter =
      best === undefined ||
      (reached && !best.reached) ||
      (reached === best.reached &&
        (reached ? record.l2 < best.record.l2 : isCloser(record, best.record)));
    if (isBetter) {
      this.#best = { record, reached };
    }
    return isBetter;
  }

  /** Numbers of the best iterate; there is one after the first offer. */
  get record(): StepRecord {
    return (this.#best as { record: StepRecord }).record;
  }

  get reached(): boolean {
    return this.#best?.reached === true;
  }
}

function isCloser(a: StepRecord, b: StepRecord): boolean {
  if (a.iou !== b.iou) {
    return a.iou > b.iou;
  }
  return a.pixelAccuracy === b.pixelAccuracy ? a.l2 < b.l2 : a.pixelAccuracy > b.pixelAccuracy;
}
