import type { ImageTensor, LabelMap } from "../image.ts";
import type { IouDefinition } from "../metrics/iou.ts";

/** What every attack is given. */
export interface AttackInput {
  /** The image to change: float32 [1, C, …size] in [0, 1], of the session's dims. */
  readonly image: ImageTensor;
  /** The mask to be drawn, on the output grid; −1 where it does not matter. */
  readonly target: LabelMap;
}

/** Options that every attack has. */
export interface AttackOptions {
  /** Steps to take at most. @default 500 */
  readonly iterations?: number;
  /** IoU with the target that counts as reached, in [0, 1]. @default 0.95 */
  readonly iouThreshold?: number;
  /** Pixel accuracy that counts as reached, in [0, 1]; both thresholds have to hold. @default 0 */
  readonly pixelAccuracyThreshold?: number;
  /** Stop at the first iterate that holds both thresholds. @default true */
  readonly earlyStop?: boolean;
  /** Where the image may change: one number per pixel, 1 yes, 0 no. @default everywhere */
  readonly region?: Float32Array;
  /** Stops the attack between two steps; the best so far is kept. */
  readonly signal?: { readonly aborted: boolean };
}

/** Numbers of one iterate x_n; the same in every attack. */
export interface StepRecord {
  /** n, counted from 0: the untouched image. */
  readonly step: number;
  /** Step size α_n that leads from x_n to x_{n+1}. */
  readonly alpha: number;
  /** IoU of the prediction at x_n with the target, in [0, 1]. */
  readonly iou: number;
  /** Share of the counted pixels that are at their target, in [0, 1]. */
  readonly pixelAccuracy: number;
  readonly wrongPixels: number;
  readonly loss: number;
  /** ‖x_n − x_0‖₂ over all channels and pixels, image values in [0, 1]. */
  readonly l2: number;
  /** Largest change of a value. */
  readonly linf: number;
  /** ‖∇‖₂ of the prediction loss where the image may change. */
  readonly gradientL2: number;
  /**
   * Measured on u_{n+1} = x_n + α_n∇L, before clipping, by a second forward: what the authors' code
   * logs and takes α_{n+1} from. Only in the flavour `reference`.
   */
  readonly unclipped?: { readonly iou: number; readonly l2: number; readonly linf: number };
}

/** One step as the iterator yields it. */
export interface AttackStep extends StepRecord {
  /** Whether both thresholds hold here. */
  readonly reached: boolean;
  /** Whether this is the best iterate so far. */
  readonly isBest: boolean;
  /**
   * A copy of x_n as the model saw it; valid to call until the next step is asked for.
   *
   * @throws AsmaError `ERR_ON_DEVICE` where the session keeps images on the GPU
   */
  readonly image: () => ImageTensor;
  /** A copy of the prediction at x_n; as {@link image}. */
  readonly prediction: () => LabelMap;
  /** As {@link image}, wherever the session keeps it. */
  readonly readImage: () => Promise<ImageTensor>;
  /** As {@link prediction}, wherever the session keeps it. */
  readonly readPrediction: () => Promise<LabelMap>;
}

/** An iterate worth keeping. */
export interface Iterate extends StepRecord {
  readonly image: ImageTensor;
  readonly prediction: LabelMap;
}

/** Why an attack ended. */
export type StopReason =
  | "reached"
  | "iterations"
  | "aborted"
  | "gradient vanished"
  | "gradient not a number"
  | "failed";

/** Step sizes used: β and τ of the dynamic multiplier, or the constant α. */
export interface StepScale {
  readonly beta: number;
  readonly tau: number;
  /** Whether it was found from the first gradient rather than given. */
  readonly isAutomatic: boolean;
  /** Factor by which an automatic step size had grown at the end; 1 for given ones. */
  readonly growth: number;
}

/** What an attack comes to. */
export interface AttackResult {
  /** Whether the best iterate holds both thresholds. */
  readonly reached: boolean;
  readonly stopReason: StopReason;
  /** What was thrown when `stopReason` is "failed"; everything before it is still here. */
  readonly error?: unknown;
  /** Smallest L2 among those that hold the thresholds, otherwise highest IoU. */
  readonly best: Iterate;
  /** The iterate the attack ended on (what the authors' code returns). */
  readonly last: Iterate;
  /** Every step in order. */
  readonly trajectory: readonly StepRecord[];
  readonly scale: StepScale;
  readonly iouDefinition: IouDefinition;
  readonly forwards: number;
  readonly backwards: number;
  /** Wall time of all steps. */
  readonly seconds: number;
}

/**
 * A running attack: iterate over its steps, or await `result`, or both. Leaving the loop early ends
 * the attack; `result` then holds the best so far.
 *
 * @example
 * const run = asma(session, { image, target });
 * for await (const { step, iou } of run) console.log(step, iou);
 * const { best } = await run.result;
 */
export class AttackRun<Step extends StepRecord = AttackStep> implements AsyncIterable<Step> {
  readonly #steps: AsyncGenerator<Step, void>;
  readonly #result: Promise<AttackResult>;
  #isStarted = false;

  /** @param start makes the steps and settles the result through the callbacks it is given */
  constructor(start: (resolve: (result: AttackResult) => void) => AsyncGenerator<Step, void>) {
    let reject: (error: unknown) => void = () => undefined;
    let steps: AsyncGenerator<Step, void> | undefined;
    this.#result = new Promise((resolvePromise, rejectPromise) => {
      reject = rejectPromise;
      steps = start(resolvePromise);
    });
    // The iterator reports the error as well; without a reader of `result` it must not crash the process.
    this.#result.catch(() => undefined);
    this.#steps = rejecting(steps as AsyncGenerator<Step, void>, reject);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Step, void> {
    this.#isStarted = true;
    return this.#steps;
  }

  /** The result; runs the attack to its end if nobody iterates over it. */
  get result(): Promise<AttackResult> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      void this.#drain();
    }
    return this.#result;
  }

  async #drain(): Promise<void> {
    try {
      for await (const _ of this.#steps);
    } catch {
      // `result` carries the error.
    }
  }
}

async function* rejecting<Step>(
  steps: AsyncGenerator<Step, void>,
  reject: (error: unknown) => void,
): AsyncGenerator<Step, void> {
  try {
    yield* steps;
  } catch (error) {
    reject(error);
    throw error;
  }
}
