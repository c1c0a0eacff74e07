import {
  AsmaError,
  isAsmaError,
  type AttackResult,
  type AttackRun,
  type AttackStep,
  type BatchResult,
  type BatchStep,
} from "@onnx-asma/core";
import { toErrorMessage } from "./error-message.ts";
import type { Ending, Next } from "../messages.ts";

/** A run that the page asks for its steps; a run on one image is one on several of which there is one. */
export class ServedRun {
  readonly #steps: AsyncGenerator<BatchStep, void>;
  readonly #result: () => Promise<BatchResult>;
  #step: BatchStep | undefined;

  private constructor(steps: AsyncGenerator<BatchStep, void>, result: () => Promise<BatchResult>) {
    this.#steps = steps;
    this.#result = result;
  }

  static ofBatch(run: AttackRun<BatchStep, BatchResult>): ServedRun {
    return new ServedRun(run[Symbol.asyncIterator](), async () => await run.result);
  }

  static ofOne(run: AttackRun<AttackStep, AttackResult>): ServedRun {
    return new ServedRun(inBatches(run), async () => [await run.result]);
  }

  /** Whether the page may ask for more. */
  async next(): Promise<Next> {
    this.#step = undefined;
    const { done, value } = await this.#steps.next();
    if (done === true) {
      return { endings: (await this.#result()).map(toEnding) };
    }
    this.#step = value;
    return { step: value.step, images: value.images.map((image) => image && numbersOf(image)) };
  }

  /**
   * The step that is shown, of one image.
   *
   * @throws AsmaError `ERR_STEP_GONE` for any other step
   */
  stepOf(step: number, index: number): AttackStep {
    const image = this.#step?.step === step ? this.#step.images[index] : undefined;
    if (image === undefined) {
      throw stepGone(step);
    }
    return image;
  }

  /** Leaves the run; `undefined` when it had taken no step. */
  async end(): Promise<readonly Ending[] | undefined> {
    const hasBegun = this.#step !== undefined;
    this.#step = undefined;
    await this.#steps.return();
    return hasBegun ? (await this.#result()).map(toEnding) : undefined;
  }
}

/** The error for pictures of a step that another one, or the end, has followed. */
export function stepGone(step: number): AsmaError {
  return new AsmaError(
    "ERR_STEP_GONE",
    `The images of step ${step} are gone: ask for them before the next step.`,
  );
}

async function* inBatches(
  run: AttackRun<AttackStep, AttackResult>,
): AsyncGenerator<BatchStep, void> {
  for await (const image of run) {
    yield { step: image.step, images: [image] };
  }
}

function numbersOf({ image: _1, prediction: _2, ...numbers }: AttackStep) {
  return numbers;
}

function toEnding(ended: AttackResult | AsmaError): Ending {
  return isAsmaError(ended) ? { error: toErrorMessage(ended) } : { result: ended };
}
