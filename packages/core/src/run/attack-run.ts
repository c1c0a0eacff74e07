import { AsmaError } from "../errors.ts";

/**
 * A running attack: iterate over its steps, or await `result`, or both. Leaving the loop early ends
 * the attack; `result` then holds the best so far.
 *
 * @example
 * const run = await model.attack(image, target);
 * for await (const { step, iou } of run) console.log(step, iou);
 * const { best } = await run.result;
 */
export class AttackRun<Step, Result> implements AsyncIterable<Step> {
  readonly #steps: AsyncGenerator<Step, void>;
  readonly #result: Promise<Result>;
  #isStarted = false;

  /**
   * @param start makes the steps, and hands over the result before they end
   * @param onUnstarted called when the run is left before its first step
   */
  constructor(
    start: (resolve: (result: Result) => void) => AsyncGenerator<Step, void>,
    onUnstarted?: () => void,
  ) {
    let reject: (error: unknown) => void = () => undefined;
    let steps: AsyncGenerator<Step, void> | undefined;
    this.#result = new Promise((resolvePromise, rejectPromise) => {
      reject = rejectPromise;
      steps = start(resolvePromise);
    });
    // The iterator reports the error as well; without a reader of `result` it must not crash the process.
    this.#result.catch(() => undefined);
    this.#steps = settling(steps as AsyncGenerator<Step, void>, reject, onUnstarted);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Step, void> {
    this.#isStarted = true;
    return this.#steps;
  }

  /** The result; runs the attack to its end if nobody iterates over it. */
  get result(): Promise<Result> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      void this.#drain();
    }
    return this.#result;
  }

  /**
   * Ends the run from outside, once the step that is under way has ended: whoever waits for a step or for the
   * result gets the error.
   */
  fail(error: unknown): void {
    this.#isStarted = true;
    this.#steps.throw(error).catch(() => undefined);
  }

  async #drain(): Promise<void> {
    try {
      for await (const _ of this.#steps);
    } catch {
      // `result` carries the error.
    }
  }
}

/** The steps, with every end made known: a generator that was never started runs no code of its own. */
function settling<Step>(
  steps: AsyncGenerator<Step, void>,
  reject: (error: unknown) => void,
  onUnstarted: (() => void) | undefined,
): AsyncGenerator<Step, void> {
  let failure: { readonly error: unknown } | undefined;
  const told = async (ending: Promise<IteratorResult<Step, void>>) => {
    try {
      const ended = await ending;
      if (ended.done === true) {
        // Without effect where there is a result.
        reject(new AsmaError("ERR_ABORTED", "The attack was left before its first step."));
        onUnstarted?.();
      }
      return ended;
    } catch (error) {
      reject(error);
      throw error;
    }
  };
  return {
    next: async () => {
      const ended = await told(steps.next());
      const failed = failure;
      failure = undefined;
      if (ended.done === true && failed !== undefined) {
        throw failed.error;
      }
      return ended;
    },
    return: () => told(steps.return()),
    throw: (cause: unknown) =>
      told(steps.throw(cause)).catch((error: unknown) => {
        // Whoever iterates did not ask for this, and is told with the next step.
        failure = { error };
        throw error;
      }),
    [Symbol.asyncIterator]() {
      return this;
    },
  } as AsyncGenerator<Step, void>;
}
