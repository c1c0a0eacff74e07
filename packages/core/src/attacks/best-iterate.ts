import type { ImageTensor, LabelMap } from "../image.ts";
import type { Iterate, StepRecord } from "./attack.ts";

/**
 * Keeps the best iterate: among those that hold the thresholds the one of smallest L2, otherwise the
 * one of highest IoU, then of highest pixel accuracy, then of smallest L2. Its buffers are allocated
 * once, so that an attack that improves a thousand times takes the memory of one that does so once.
 */
export class BestIterate {
  readonly #image: ImageTensor;
  readonly #prediction: LabelMap;
  #best: { readonly record: StepRecord; readonly reached: boolean } | undefined;

  /** @param image, prediction arrays of the size of those to be kept; not read */
  constructor(image: ImageTensor, prediction: LabelMap) {
    this.#image = { data: new Float32Array(image.data.length), dims: image.dims };
    this.#prediction = { data: new Int32Array(prediction.data.length), dims: prediction.dims };
  }

  /** Compares a step with the best so far, and copies its image and prediction if it is better. */
  offer(
    record: StepRecord,
    reached: boolean,
    image: Float32Array,
    prediction: ArrayLike<number>,
  ): boolean {
    const best = this.#best;
    const isBetter =
      best === undefined ||
      (reached && !best.reached) ||
      (reached === best.reached &&
        (reached ? record.l2 < best.record.l2 : isCloser(record, best.record)));
    if (isBetter) {
      this.#best = { record, reached };
      this.#image.data.set(image);
      this.#prediction.data.set(prediction);
    }
    return isBetter;
  }

  /** The best iterate, its image as it was offered; there is one after the first offer. */
  get iterate(): Iterate {
    const { record } = this.#best as { record: StepRecord };
    return { ...record, image: this.#image, prediction: this.#prediction };
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
