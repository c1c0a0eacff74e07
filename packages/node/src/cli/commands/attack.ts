import * as ort from "onnxruntime-node";
import type { Runtime } from "@onnx-asma/autodiff";
import {
  asma,
  type AsmaFlavour,
  type AsmaVariant,
  describeImageInput,
  type ImageTensor,
  type LabelMap,
  prepareAsma,
  refusal,
  sameSize,
  SegmentationModel,
  sizeOf,
} from "@onnx-asma/core";
import { readImage } from "../../images/read-image.ts";
import { readMask } from "../../images/read-mask.ts";
import { checkProviders } from "../../check-providers.ts";
import { graphTarget } from "../../graph-target.ts";
import { readModelFile } from "../../read-model-file.ts";
import { adversarialFile } from "../../report/adversarial-file.ts";
import { checkResultsFolder } from "../../report/results-folder.ts";
import { percent, writeResults, type ResultRecord } from "../../report/write-results.ts";
import { exitCodes } from "../exit-codes.ts";
import { readModelOptions, type ModelFlags } from "../model-flags.ts";
import { note, printError, printResult, table } from "../output.ts";
import { startProgress } from "../progress.ts";
import { checkTargetFlags, makeTarget, type TargetFlags } from "../target-flags.ts";

/** Flags of `onnx-asma attack`. */
export interface AttackFlags extends ModelFlags, TargetFlags {
  readonly out: string;
  readonly variant: AsmaVariant;
  readonly flavour: AsmaFlavour;
  readonly beta?: number;
  readonly tau?: number;
  readonly alpha?: number;
  readonly lambda?: number;
  readonly iterations: number;
  readonly iou: number;
  readonly pixelAccuracy: number;
  readonly earlyStop: boolean;
  readonly region?: string;
  readonly float?: boolean;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `onnx-asma attack MODEL IMAGE --target MASK -o DIR`. */
export async function attack(
  modelPath: string,
  imagePath: string,
  flags: AttackFlags,
): Promise<number> {
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
    return await runAttack(modelPath, imagePath, flags, interrupt.signal);
  } finally {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onInterrupt);
  }
}

async function runAttack(
  modelPath: string,
  imagePath: string,
  flags: AttackFlags,
  signal: AbortSignal,
): Promise<number> {
  checkTargetFlags(flags);
  const options = await readModelOptions(modelPath, flags);
  checkProviders(options.sessionOptions);
  await checkResultsFolder(flags.out, flags.force === true);
  const file = await readModelFile(modelPath);
  const input = describeImageInput(file, options);
  const spatialAxes = input.size.length === 3 ? 3 : 2;
  const image = await readImage(imagePath, { channels: input.channels, spatialAxes });
  const model = await SegmentationModel.load(ort as Runtime, file, sizeOf(image), options);
  const predictionBefore = await model.predict(image);
  const target = await makeTarget(flags, model, image, predictionBefore);
  const region = flags.region === undefined ? undefined : await readRegion(flags.region, image);
  const { variant, flavour } = flags;
  const isOurs = flavour === "default";
  const kind = adversarialFile(image);
  const levels = flags.float === true || !isOurs ? undefined : kind.levels;
  // An array holds what the attack gives; a PNG has its levels whatever was optimised.
  const saved = kind.name === "adversarial.npy" ? { ...kind, levels } : kind;
  const session = await prepareAsma(model, {
    variant,
    flavour,
    levels,
    target: graphTarget(options.sessionOptions),
  });
  const { beta, tau, alpha, lambda, iterations, earlyStop } = flags;
  const run = asma(
    session,
    { image, target },
    {
      beta,
      tau,
      alpha,
      lambda,
      iterations,
      region,
      signal,
      iouThreshold: flags.iou,
      pixelAccuracyThreshold: flags.pixelAccuracy,
      earlyStop: earlyStop && isOurs,
    },
  );
  const snapshots = new Snapshots();
  const progress = startProgress(iterations, flags.quiet === true || flags.json === true);
  let failure: unknown;
  try {
    for await (const step of run) {
      progress.update(step);
      snapshots.offer(step.step, step.prediction);
    }
  } catch (error) {
    failure = error;
  } finally {
    progress.stop();
  }
  // Rejects with the failure if there was no step at all.
  const ended = await run.result;
  // The authors' code keeps its last iterate.
  const result = flavour === "reference" ? { ...ended, best: ended.last } : ended;
  const record = await writeResults(flags.out, {
    model,
    modelPath,
    imagePath,
    image,
    file: saved,
    target,
    predictionBefore,
    result,
    snapshots: snapshots.chosen,
    thresholds: {
      iou: flags.iou,
      pixelAccuracy: flags.pixelAccuracy,
    },
    options: recordedOptions(flags, levels),
    build: session.step.build,
  });
  await session.step.release();
  await model.release();
  printResult(flags.json === true, record, () => summary(record, flags.out));
  if (failure !== undefined) {
    printError(failure, false);
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
      expected: `a region of ${size.join("×")} pixels, the image's size`,
      found: `'${path}' has ${mask.dims.join("×")}`,
      wayOut: "resize it with nearest neighbours",
    });
  }
  return Float32Array.from(mask.data);
}

/** Keeps predictions of a bounded number of steps, evenly spread, however long the attack runs. */
class Snapshots {
  #kept: { iteration: number; prediction: LabelMap }[] = [];
  #stride = 1;

  offer(iteration: number, prediction: () => LabelMap): void {
    if (iteration % this.#stride !== 0) {
      return;
    }
    this.#kept.push({ iteration, prediction: prediction() });
    if (this.#kept.length > 16) {
      this.#stride *= 2;
      this.#kept = this.#kept.filter((snapshot) => snapshot.iteration % this.#stride === 0);
    }
  }

  get chosen(): readonly { iteration: number; prediction: LabelMap }[] {
    return this.#kept;
  }
}

function recordedOptions(flags: AttackFlags, levels: number | undefined): Record<string, unknown> {
  const { json: _json, quiet: _quiet, force: _force, out: _out, ...rest } = flags;
  return { ...rest, levels: levels ?? null };
}

function summary(record: ResultRecord, folder: string): string {
  const { saved, float } = record;
  const row = (name: string, v: typeof saved) => [
    name,
    percent(v.iou),
    percent(v.pixelAccuracy),
    v.l2.toPrecision(4),
    `${v.linf.toPrecision(3)} (${(v.linf * 255).toFixed(1)}/255)`,
  ];
  const scale = record.scale;
  return [
    record.reached
      ? `Reached in ${record.bestStep} steps: the model draws the target on the saved file.`
      : `Not reached (${record.stopReason}): best IoU ${percent(saved.iou)} after ${record.steps} steps.`,
    "",
    table([
      ["", `IoU (${record.iouDefinition})`, "pixel accuracy", "L2", "L∞"],
      row("saved file", saved),
      row("float image", float),
    ]),
    "",
    `  step size  β ${scale.beta.toPrecision(3)}, τ ${scale.tau.toPrecision(3)}${scale.isAutomatic ? " (automatic)" : ""}`,
    `  cost       ${record.forwards} forwards, ${record.backwards} backwards, ${record.seconds["attack"]?.toFixed(1)} s`,
    `  pictures   ${folder}/overview.png, perturbation.png (×${record.perturbationPictureFactor}), trajectory.svg`,
    `  images     ${folder}/${record.files.filter((name) => name.startsWith("adversarial")).join(", ")}`,
    ...(record.slice === undefined
      ? []
      : [
          `  slice      pictures show slice ${record.slice.imageIndex + 1} of ${record.slice.of}: ${record.slice.because}`,
        ]),
    `  figures    ${folder}/result.json, trajectory.csv`,
  ].join("\n");
}
