import { seededRandom } from "../attack/random.ts";
import { AsmaError, isAsmaError } from "../errors.ts";
import { mapValues } from "../step/append-inputs.ts";
import { Iterates } from "../step/iterates.ts";
import type { AttackResult, AttackStep, StopReason } from "./attack-result.ts";
import { AttackRun } from "./attack-run.ts";
import type { AttackInput, AttackTask } from "./attack-task.ts";
import { Lane } from "./lane.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Gives a run what it needs, when its first step is asked for. */
export type OpenTask = () => Promise<AttackTask>;

/** One step of a run on several images: `undefined` where an image has ended. */
export interface BatchStep {
  readonly step: number;
  readonly images: readonly (AttackStep | undefined)[];
}

/** What each image of a batch came to: its result, or the error that ended it. */
export type BatchResult = readonly (AttackResult | AsmaError)[];

/**
 * Runs an attack on one image.
 *
 * @returns the run: steps to iterate over, and a result. Both reject when a step fails, with an error
 *   whose `partial` is the result so far
 */
export function runAttack(open: OpenTask): AttackRun<AttackStep, AttackResult> {
  return new AttackRun((resolve) => {
    const steps = attackSteps(open, ([result]) => resolve(result as AttackResult));
    const ofImage = async (step: Promise<IteratorResult<BatchStep, void>>) => {
      const { done, value } = await step;
      return done === true
        ? { done, value: undefined }
        : { done: false as const, value: (value as BatchStep).images[0] as AttackStep };
    };
    return {
      next: () => ofImage(steps.next()),
      return: () => ofImage(steps.return()),
      throw: (error: unknown) => ofImage(steps.throw(error)),
      [Symbol.asyncIterator]() {
        return this;
      },
    } as AsyncGenerator<AttackStep, void>;
  });
}

/**
 * Runs an attack on several images at once, each with its own numbers, best iterate and end.
 *
 * @returns as {@link runAttack}; what ends one image alone is in its place in the result
 */
export function runBatch(open: OpenTask): AttackRun<BatchStep, BatchResult> {
  return new AttackRun((resolve) => attackSteps(open, resolve));
}

/** The one loop of all attacks. */
async function* attackSteps(
  open: OpenTask,
  resolve: (result: BatchResult) => void,
): AsyncGenerator<BatchStep, void> {
  const clock = new Stopwatch();
  clock.start();
  const task = await open();
  const lanes: Lane[] = [];
  let iterates: Iterates | undefined;
  const endAll = async (stopReason: StopReason) => {
    for (const lane of lanes.filter((each) => each.isActive)) {
      await lane.end(stopReason, clock.seconds);
    }
  };
  let hasFailed = false;
  try {
    iterates = new Iterates(task.step, startOf(task));
    for (const [i, { image }] of task.inputs.entries()) {
      const lane = new Lane(task, i, iterates, task.recipe.schedule(factsOf(task)));
      lanes.push(lane);
      await lane.begin(image);
    }
    for (let n = 0; lanes.some((lane) => lane.isActive); n++) {
      const start = clock.seconds;
      const metrics = await iterates.step(lanes.map((lane) => lane.numbers(n)));
      const unclipped =
        task.step.measuring && (await iterates.measure(lanes.map((lane) => lane.absentBefore)));
      const images: (AttackStep | undefined)[] = [];
      for (const lane of lanes) {
        images.push(await takeIn(lane, n, metrics, unclipped, () => clock.seconds - start));
      }
      clock.stop();
      yield { step: n, images };
      clock.start();
      for (const lane of lanes.filter((each) => each.isActive)) {
        const ending = lane.ending ?? (task.signal?.aborted ? "aborted" : undefined);
        if (ending !== undefined) {
          await lane.end(ending, clock.seconds);
        }
      }
      if (lanes.some((lane) => lane.isActive)) {
        lanes.forEach((lane) => lane.leaveStep());
        iterates.advance();
      }
    }
  } catch (cause) {
    hasFailed = true;
    // What was computed may be lost with the device: then the failure itself is what counts.
    await endAll("failed").catch(() => undefined);
    throw withPartial(cause, lanes);
  } finally {
    clock.start();
    try {
      if (!hasFailed) {
        await endAll("aborted");
        resolve(lanes.map((lane) => lane.result ?? (lane.error as AsmaError)));
      }
    } finally {
      iterates?.release();
      task.onEnd?.();
    }
  }
}

/** Lets a lane take in a step; where there are others, its own failure ends it alone. */
async function takeIn(
  lane: Lane,
  n: number,
  metrics: Awaited<ReturnType<Iterates["step"]>>,
  unclipped: Awaited<ReturnType<Iterates["measure"]>> | undefined,
  seconds: () => number,
): Promise<AttackStep | undefined> {
  if (!lane.isActive) {
    return undefined;
  }
  const taken = await lane
    .take(n, metrics[lane.index] as (typeof metrics)[number], unclipped?.[lane.index])
    .catch((error: unknown) => {
      if (metrics.length === 1 || !(isAsmaError(error) && error.code.startsWith("ERR_GRADIENT"))) {
        throw error;
      }
      lane.error = error;
      return undefined;
    });
  return (
    taken && {
      ...taken.record,
      reached: taken.reached,
      isBest: taken.isBest,
      milliseconds: 1000 * seconds(),
      image: async () => await lane.readImage(n),
      prediction: async () => await lane.readPrediction(n),
    }
  );
}

function factsOf({ step, options }: AttackTask) {
  const { batchDims, description } = step.model;
  return {
    iterations: options.iterations,
    values: batchDims.slice(1).reduce((n, d) => n * d, 1),
    classes: description.head.classes,
  };
}

/** What the iterates begin with: copies, so that nobody's arrays are read later or written to. */
function startOf(task: AttackTask) {
  const { inputs, options, step, recipe } = task;
  const facts = factsOf(task);
  const join = (parts: readonly ArrayLike<number>[]) => {
    const joined = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  };
  const started = ({ image, region }: AttackInput) => {
    const start = recipe.start?.(image, seededRandom(options.seed)) ?? image.data;
    const pixels = region?.length ?? 1;
    return region === undefined
      ? start
      : start.map((v, i) => ((region[i % pixels] as number) > 0.5 ? v : (image.data[i] as number)));
  };
  return {
    original: join(inputs.map(({ image }) => image.data)),
    image: join(inputs.map(started)),
    labels: join(inputs.map(({ target }) => target.data)),
    region:
      step.graph.inputs.region === undefined
        ? undefined
        : join(
            inputs.map(
              ({ region, image }) =>
                region ?? new Float32Array(image.data.length / image.dims[1]).fill(1),
            ),
          ),
    state: mapValues(recipe.state, ({ init }) => init?.(facts) ?? 0),
  };
}

/** The error with what there is so far; whatever is not ours becomes so. */
function withPartial(cause: unknown, lanes: readonly Lane[]): AsmaError {
  const results = lanes.map(({ result }) => result);
  const partial = lanes.length === 1 ? results[0] : results;
  const known = isAsmaError(cause) ? cause : undefined;
  return new AsmaError(
    known?.code ?? "ERR_STEP_FAILED",
    known?.message ??
      `A step of the attack failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause: known?.cause ?? cause, details: known?.details, partial },
  );
}
