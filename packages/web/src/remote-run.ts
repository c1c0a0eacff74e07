import {
  AsmaError,
  AttackRun,
  type AttackChoice,
  type AttackResult,
  type AttackStep,
  type BatchResult,
  type BatchStep,
  type ImageLike,
  type LabelsLike,
} from "@onnx-asma/core";
import { Parcel } from "./copy-in-slices.ts";
import { fromErrorMessage } from "./worker/error-message.ts";
import type { Ending, StepNumbers } from "./messages.ts";
import type { WorkerClient } from "./worker/worker-client.ts";

/** What a run is begun with. */
export interface RunRequest {
  readonly images: readonly ImageLike[];
  readonly targets: readonly LabelsLike[];
  readonly choice: AttackChoice;
}

/** The part of an `AbortSignal` that is looked at; plain objects do. */
type Signal = NonNullable<AttackChoice["signal"]> &
  Partial<Pick<EventTarget, `${"add" | "remove"}EventListener`>>;

/** Begins a run on one image; the worker has checked everything when this settles. */
export async function beginRun(
  client: WorkerClient,
  request: RunRequest,
): Promise<AttackRun<AttackStep, AttackResult>> {
  const run = await RemoteRun.begin(client, request, false);
  return run.started(async function* (resolve) {
    const steps = run.steps(([result]) => resolve(result as AttackResult));
    for await (const { images } of steps) {
      yield images[0] as AttackStep;
    }
  });
}

/** As {@link beginRun}, on several images at once. */
export async function beginBatchRun(
  client: WorkerClient,
  request: RunRequest,
): Promise<AttackRun<BatchStep, BatchResult>> {
  const run = await RemoteRun.begin(client, request, true);
  return run.started((resolve) => run.steps(resolve));
}

/** Runs whose steps nobody can ask for any more end in the worker too. */
const forgotten = new FinalizationRegistry<RemoteRun>((run) => run.leave());

/** A run in the worker. */
class RemoteRun {
  readonly #client: WorkerClient;
  readonly #id: number;
  readonly #signal: Signal | undefined;
  #hasEnded = false;
  #unlisten: (() => void) | undefined;

  private constructor(client: WorkerClient, id: number, signal: Signal | undefined) {
    this.#client = client;
    this.#id = id;
    this.#signal = signal;
  }

  static async begin(
    client: WorkerClient,
    { images, targets, choice }: RunRequest,
    isBatch: boolean,
  ): Promise<RemoteRun> {
    const parcel = new Parcel();
    const { region, signal } = choice;
    const params = {
      images: await inTurn(images, async (image) => await parcel.add(image, "the image")),
      targets: await inTurn(targets, async (target) => await parcel.add(target, "the target")),
      choice: {
        ...choice,
        region: region && (await parcel.addData(region, "the region")),
        signal: undefined,
      },
      isBatch,
    };
    const { run } = await client.call("begin", params, parcel.transfer);
    return new RemoteRun(client, run, signal);
  }

  /** What the page holds of it. */
  started<Step, Result>(
    start: (resolve: (result: Result) => void) => AsyncGenerator<Step, void>,
  ): AttackRun<Step, Result> {
    const run = new AttackRun<Step, Result>(
      (resolve) => {
        const steps = start(resolve);
        forgotten.register(steps, this);
        return steps;
      },
      () => this.leave(),
    );
    // Weak, or a run that nobody holds would be held here.
    const held = new WeakRef(run);
    this.#unlisten = this.#client.onEnd((error) => held.deref()?.fail(error));
    return run;
  }

  async *steps(resolve: (result: BatchResult) => void): AsyncGenerator<BatchStep, void> {
    const run = this.#id;
    const signal = this.#signal;
    const abort = () => void this.#client.call("abort", { run }).catch(() => undefined);
    signal?.addEventListener?.("abort", abort);
    try {
      for (;;) {
        if (signal?.aborted) {
          abort();
        }
        const next = await this.#next();
        if ("endings" in next) {
          resolve(next.endings.map(fromEnding));
          return;
        }
        const { step, images } = next;
        yield {
          step,
          images: images.map((numbers, index) => numbers && this.#toStep(numbers, index)),
        };
      }
    } finally {
      signal?.removeEventListener?.("abort", abort);
      if (!this.#hasEnded) {
        this.#end();
        // Left early: what there is so far. A dead worker has nothing.
        const { endings } = await this.#client.call("end", { run });
        if (endings !== undefined) {
          resolve(endings.map(fromEnding));
        }
      }
    }
  }

  /** Ends it if it goes on. */
  leave(): void {
    if (!this.#hasEnded) {
      this.#end();
      void this.#client.call("end", { run: this.#id }).catch(() => undefined);
    }
  }

  async #next() {
    try {
      const next = await this.#client.call("next", { run: this.#id });
      if ("endings" in next) {
        this.#end();
      }
      return next;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#hasEnded = true;
    this.#unlisten?.();
  }

  #toStep(numbers: StepNumbers, index: number): AttackStep {
    const params = { run: this.#id, step: numbers.step, index };
    return {
      ...numbers,
      image: async () => await this.#client.call("image", params),
      prediction: async () => await this.#client.call("prediction", params),
    };
  }
}

function fromEnding(ending: Ending): AttackResult | AsmaError {
  return "error" in ending ? fromErrorMessage(ending.error) : ending.result;
}

async function inTurn<T>(list: readonly T[], task: (entry: T) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (const entry of list) {
    done.push(await task(entry));
  }
  return done;
}
