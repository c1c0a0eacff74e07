import { AttackRun, type AttackResult, type ImageTensor, type LabelMap } from "@onnx-asma/core";
import { copyInSlices, copyToSend } from "./copy-in-slices.ts";
import type { RunQueue, Signal } from "./run-queue.ts";
import type { RunOptions, StepNumbers } from "./worker/messages.ts";
import type { WorkerClient } from "./worker/worker-client.ts";

/** One step as the iterator yields it: numbers; its pictures come from the worker on demand. */
export interface WebAttackStep extends StepNumbers {
  /** A copy of x_n as the model saw it; until the next step is asked for. */
  readonly image: () => Promise<ImageTensor>;
  /** A copy of the prediction at x_n; until the next step is asked for. */
  readonly prediction: () => Promise<LabelMap>;
}

/** A running attack in the worker: iterate over its steps, or await `result`, or both. */
export type WebAttackRun = AttackRun<WebAttackStep>;

/** What {@link startRun} needs. */
export interface RunRequest {
  readonly client: WorkerClient;
  readonly queue: RunQueue;
  readonly id: number;
  readonly image: ImageTensor;
  readonly target: LabelMap;
  readonly options: RunOptions;
  readonly signal: Signal | undefined;
}

/** A run that begins when its first step or its result is asked for. */
export function startRun(request: RunRequest): WebAttackRun {
  return new AttackRun((resolve) => steps(request, resolve));
}

async function* steps(
  request: RunRequest,
  resolve: (result: AttackResult) => void,
): AsyncGenerator<WebAttackStep, void> {
  const { client, queue, id, signal } = request;
  const leave = await queue.enter(signal);
  const abort = () => void client.call("abort", { run: id }).catch(() => undefined);
  signal?.addEventListener?.("abort", abort);
  try {
    await begin(request);
    for (;;) {
      if (signal?.aborted) {
        abort();
      }
      const { step, result } = await client.call("next", { run: id });
      if (step === undefined) {
        resolve(result as AttackResult);
        return;
      }
      yield {
        ...step,
        image: () => client.call("image", { run: id, step: step.step }),
        prediction: () => client.call("prediction", { run: id, step: step.step }),
      };
    }
  } finally {
    signal?.removeEventListener?.("abort", abort);
    // After a failure or an early return: what there is so far. A dead worker has nothing.
    const end = await client.call("end", { run: id }).catch(() => undefined);
    if (end?.result !== undefined) {
      resolve(end.result);
    }
    leave();
  }
}

async function begin({ client, id, image, target, options }: RunRequest): Promise<void> {
  const from = await copyToSend(image, "the image");
  const to = await copyToSend(target, "the target");
  const params = { run: id, image: from.copy, target: to.copy, options };
  const transfer = [from.buffer, to.buffer];
  if (options.region === undefined) {
    await client.call("begin", params, transfer);
    return;
  }
  const region = await copyInSlices(options.region, "the region");
  await client.call("begin", { ...params, options: { ...options, region } }, [
    ...transfer,
    region.buffer as ArrayBuffer,
  ]);
}
