import {
  AsmaError,
  isAsmaError,
  parseChoice,
  sameSize,
  sizeOf,
  type AttackChoice,
  type AttackResult,
  type AttackRun,
  type AttackStep,
  type ImageTensor,
  type ModelDescription,
  refusal,
} from "@onnx-asma/core";
import { checkGoal, describePrediction, findClass } from "@onnx-asma/core/targets";
import type { FileRecord } from "@onnx-asma/core/result-record";
import { recordFile } from "../../file-record.ts";
import { readMask } from "../../images/read-mask.ts";
import type { LoadedModel } from "../../loaded-model.ts";
import { checkResultsFolder } from "../../report/results-folder.ts";
import { writeResults, type AttackReport } from "../../report/write-results.ts";
import type { ChosenAttack } from "../attack-flags.ts";
import { exitCodes } from "../exit-codes.ts";
import { sayFlags } from "../flag-words.ts";
import type { ModelFlags } from "../model-flags.ts";
import { openModel } from "../open-model.ts";
import { note, notePages, printError, printResult } from "../output.ts";
import { startProgress } from "../progress.ts";
import { runOptionsOf, type RunFlags } from "../run-flags.ts";
import { Snapshots } from "../snapshots.ts";
import { summary } from "../summary.ts";
import {
  checkTargetFlags,
  makeTarget,
  targetRequestOf,
  type TargetFlags,
} from "../target-flags.ts";

/** Flags of `onnx-asma attack`, but for those of the attacks. */
export interface AttackCommandFlags extends ModelFlags, TargetFlags, RunFlags {
  readonly out: string;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** What `onnx-asma attack` was asked for. */
export interface AttackRequest {
  readonly modelPath: string;
  readonly imagePath: string;
  readonly chosen: ChosenAttack;
  readonly flags: AttackCommandFlags;
}

/** `onnx-asma attack MODEL IMAGE --target MASK -o DIR`. */
export async function attack(request: AttackRequest): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    if (interrupt.signal.aborted) {
      process.exit(exitCodes.interrupted);
    }
    interrupt.abort();
    note("Stopping after this step; the best so far is kept. Press Ctrl-C again to leave at once.");
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", onInterrupt);
  try {
    return await runAttack(request, interrupt.signal);
  } finally {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onInterrupt);
  }
}

async function runAttack(request: AttackRequest, signal: AbortSignal): Promise<number> {
  const { flags, modelPath } = request;
  checkTargetFlags(flags);
  const { choice, iterations } = choiceOf(request);
  await checkResultsFolder(flags.out, flags.force === true);
  const model = await openModel(modelPath, flags);
  try {
    const scene = await readScene(request, model);
    const classes = classesOf(request.chosen, scene.description);
    const run = await startRun(model, scene, { ...choice, ...classes, signal });
    const ended = await follow(run, startProgress(iterations, isQuiet(flags)));
    return await conclude(request, { model, ...scene, ...ended });
  } finally {
    await model.release();
  }
}

/** The choice that the flags stand for; all that can be wrong with it is said before any file is read. */
function choiceOf({ chosen, flags }: AttackRequest) {
  const choice = {
    attack: chosen.attack,
    ...chosen.options,
    ...runOptionsOf(flags),
  } as AttackChoice;
  // Classes wait for the model, which knows their names.
  const { run, definition, attackOptions } = parseChoice(choice, []);
  // Where it starts depends on no number of classes; every attack takes two.
  const { start } = definition.recipe(attackOptions, { classes: 2 });
  if (flags.seed !== undefined && start === undefined) {
    throw new AsmaError(
      "ERR_USAGE",
      `--seed has no effect here, since ${definition.title} starts at the image itself: leave it out, or begin at random.`,
      { details: { flag: "--seed" } },
    );
  }
  const isErasing = flags.hide !== undefined && run.iouDefinition === undefined;
  return {
    choice: isErasing ? { ...choice, iouDefinition: "erased" as const } : choice,
    iterations: run.iterations,
  };
}

/** The options that are lists of classes, with numbers in the place of names. */
function classesOf({ classes }: ChosenAttack, { classNames }: ModelDescription) {
  const numberOf = (key: string) => (wanted: number | string) =>
    typeof wanted === "number" ? wanted : findClass(wanted, classNames, sayFlags(`\`${key}\``));
  return Object.fromEntries(
    Object.entries(classes).map(([key, list]) => [key, list.map(numberOf(key))]),
  );
}

/** Whether only notices and errors go to stderr. */
function isQuiet({ quiet, json }: AttackCommandFlags): boolean {
  return quiet === true || json === true;
}

/** Reads all files, and has the untouched model look at the untouched image. */
async function readScene({ imagePath, flags }: AttackRequest, model: LoadedModel) {
  const image = await model.readImage(imagePath);
  notePages(imagePath, image);
  const description = await model.describe(sizeOf(image));
  const predictionBefore = await model.predict(image);
  // Before the target is made, which it may be the reason to refuse; other notices follow the attack.
  if (!isQuiet(flags)) {
    note(describePrediction(predictionBefore, description.classNames));
  }
  const { notices: doubts = [] } = predictionBefore;
  doubts.forEach((doubt) => note(doubt));
  const target = await makeTarget(flags, model, {
    image,
    description,
    prediction: predictionBefore,
  });
  const region = flags.region === undefined ? undefined : await readRegion(flags.region, image);
  const sources = {
    image: await recordFile(imagePath),
    target: await recordIfNamed(flags.target ?? flags.targetImage),
    region: await recordIfNamed(flags.region),
    // The model's files are hashed now: later they may have changed.
    model: model.sources,
  };
  return { image, description, predictionBefore, target, region, doubts, sources };
}

/** Starts the attack, where there is something to attack. */
async function startRun(
  model: LoadedModel,
  { image, description, predictionBefore, target, region }: Awaited<ReturnType<typeof readScene>>,
  choice: AttackChoice,
) {
  const { run } = parseChoice(choice, [image]);
  checkGoal({ prediction: predictionBefore, target, description, run });
  return await model.attack(image, target, { ...choice, region });
}

async function recordIfNamed(path: string | undefined): Promise<FileRecord | undefined> {
  return path === undefined ? undefined : await recordFile(path);
}

/** Runs the attack to its end; what came before a failure is kept with it. */
async function follow(
  run: AttackRun<AttackStep, AttackResult>,
  progress: ReturnType<typeof startProgress>,
) {
  const snapshots = new Snapshots();
  let [result, failure]: [AttackResult | undefined, AsmaError | undefined] = [undefined, undefined];
  try {
    for await (const step of run) {
      progress.update(step);
      await snapshots.offer(step.step, step.prediction);
    }
    result = await run.result;
  } catch (error) {
    if (!isAsmaError(error) || error.partial === undefined) {
      throw error;
    }
    failure = error;
    result = error.partial as AttackResult;
  } finally {
    progress.stop();
  }
  return { result, failure, snapshots: snapshots.chosen };
}

async function conclude(
  { flags }: AttackRequest,
  {
    doubts,
    ...report
  }: Omit<AttackReport, "request" | "notices"> & {
    readonly failure: AsmaError | undefined;
    readonly doubts: readonly string[];
  },
): Promise<number> {
  const { result, failure } = report;
  const others = result.notices.filter((notice) => !doubts.includes(notice));
  others.forEach((notice) => note(notice));
  if (failure !== undefined) {
    // Before the results, which what failed may keep from being written.
    printError(failure, false);
  }
  const record = await writeResults(flags.out, {
    ...report,
    notices: [...doubts, ...others],
    overwrite: flags.force === true,
    request: targetRequestOf(flags),
  });
  printResult(flags.json === true, record, () => summary(record, flags.out));
  if (failure !== undefined) {
    return exitCodes.error;
  }
  if (result.stopReason === "aborted") {
    return exitCodes.interrupted;
  }
  return record.reached ? exitCodes.reached : exitCodes.missed;
}

async function readRegion(path: string, image: ImageTensor): Promise<Float32Array> {
  const mask = await readMask(path, { classes: 2, spatialAxes: image.dims.length === 5 ? 3 : 2 });
  const size = sizeOf(image);
  if (!sameSize(mask.dims, size)) {
    throw refusal("ERR_REGION", {
      expected: `a region of ${size.join("×")} pixels, the image's size,`,
      found: `'${path}' has ${mask.dims.join("×")}`,
      wayOut: "resize it with nearest neighbours",
    });
  }
  return Float32Array.from(mask.data);
}
