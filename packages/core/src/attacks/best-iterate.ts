import type { Iterate, StepRecord } from "./attack.ts";

/**
 * Keeps the best iterate: among those that hold the thresholds the one of smallest L2, otherwise the
 * one of highest IoU, then of highest pixel accuracy, then of smallest L2.
 */
export class BestIterate {
  #best: { iterate: Iterate; reached: boolean } | undefined;

  /**
   * Compares a step with the best so far.
   *
   * @param copy makes the iterate; called only when it is better, since it copies the image
   */
  offer(record: StepRecord, reached: boolean, copy: () => Iterate): boolean {
    const best = this.#best;
    const isBetter =
      best === undefined ||
      (reached && !best.reached) ||
      (reached === best.reached &&
        (reached ? record.l2 < best.iterate.l2 : isCloser(record, best.iterate)));
    if (isBetter) {
      this.#best = { iterate: copy(), reached };
    }
    return isBetter;
  }

  /** The best iterate; there is one after the first offer. */
  get iterate(): Iterate {
    return (this.#best as { iterate: Iterate }).iterate;
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
