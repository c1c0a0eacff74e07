import { createRequire } from "node:module";
import { join } from "node:path";
import {
  findAttack,
  ignored,
  sizeOf,
  type AttackResult,
  type ImageTensor,
  type LabelMap,
  type ModelDescription,
  type Verification,
} from "@onnx-asma/core";
import type { FileImage } from "@onnx-asma/core/picture-file";
import {
  dataFiles,
  fileRecordOf,
  recordResult,
  type AttackSources,
  type HostRecord,
  type ResultRecord,
  type Slice,
} from "@onnx-asma/core/result-record";
import { writeFile } from "../images/write-file.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { overlay } from "./mask-picture.ts";
import { overviewPicture } from "./overview-picture.ts";
import { perturbationPicture } from "./perturbation-picture.ts";
import { encodePicture, imagePicture } from "./picture.ts";
import { percent } from "@onnx-asma/core/verdict-words";
import { checkResultsFolder, fillResultsFolder, resultFilesOf } from "./results-folder.ts";
import { chooseSlice, planeOf, sliceOfImage, sliceOfLabels } from "./slice.ts";
import { trajectoryPlot, type TrajectoryThresholds } from "./trajectory-plot.ts";

/** What an attack came to, and everything that says how. */
export interface AttackReport {
  readonly model: LoadedModel;
  readonly sources: AttackSources;
  readonly image: FileImage;
  readonly target: LabelMap;
  readonly predictionBefore: LabelMap;
  readonly result: AttackResult;
  /** Where the image may change, as the attack was given it. */
  readonly region?: Float32Array | undefined;
  /** What ended the run, where it failed. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
  /** Predictions along the way, for the overview. */
  readonly snapshots: readonly { readonly iteration: number; readonly prediction: LabelMap }[];
  /** Remarks on the attack. @default those of the result */
  readonly notices?: readonly string[];
  /** Whether files of an earlier attack in the folder may be replaced. @default false */
  readonly overwrite?: boolean;
  /** How the target was asked for, for the record. */
  readonly request?: Readonly<Record<string, unknown>>;
}

/** What the pictures show. */
interface Shown {
  readonly report: AttackReport;
  readonly description: ModelDescription;
  /** The image as re-read from the file, and what the untouched model makes of it. */
  readonly saved: Verification;
  readonly slice: Slice | undefined;
}

/**
 * Writes an attack's results into a folder, all or nothing: pictures (of a volume of its slice that
 * changed most), the adversarial image as PNG (rounded) and as float `.npy`, or only as `.npy` where a
 * PNG cannot hold it, trajectory as plot and CSV, `result.json`. Results of an earlier attack are
 * replaced where `overwrite` says so. The saved image is read back and run through the **untouched**
 * model; that verdict decides.
 *
 * @throws AsmaError `ERR_RESULTS_EXIST`, `ERR_FOLDER_NOT_WRITABLE`
 */
export async function writeResults(folder: string, report: AttackReport): Promise<ResultRecord> {
  await checkResultsFolder(folder, report.overwrite === true);
  return await fillResultsFolder(folder, (staging) => writeFiles(staging, report));
}

async function writeFiles(folder: string, report: AttackReport): Promise<ResultRecord> {
  const { model, image, result } = report;
  const description = await model.describe(sizeOf(image));
  const attack = {
    ...report,
    description,
    host: hostRecord(model),
    feeds: model.options.feeds,
  };
  const data = await dataFiles(attack, async (file, labels, options) =>
    model.verify(file, labels, options),
  );
  const { saved, target } = data;
  // Without what was not written yet: pictures may tell of it.
  const figures = await recordResult(attack, data);
  const { placement } = description.grid;
  const slice = chooseSlice(report.predictionBefore, saved.prediction, image, placement);
  const { pictures, perturbationFactor } = picturesOf({
    report: { ...report, target },
    description,
    saved,
    slice,
  });
  const plot = trajectoryPlot(result.trajectory, goalsOf(result));
  const all = new Map([...data.files, ...pictures, ["trajectory.svg", Buffer.from(plot)]]);
  for (const [name, contents] of all) {
    await writeFile(join(folder, name), contents);
  }
  const names = resultFilesOf([...all.keys()]);
  const files = names.map((name) => fileRecordOf(name, all.get(name) as Uint8Array));
  const record = {
    ...figures,
    pictures: { perturbationFactor, ...(slice && { slice }) },
    files: await Promise.all(files),
  };
  await writeFile(join(folder, "result.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

/** What computes. */
function hostRecord({ options }: LoadedModel): HostRecord {
  const { executionProviders = ["cpu"], intraOpNumThreads = 0 } = options.sessionOptions ?? {};
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as {
    version: string;
  };
  return {
    kind: "node",
    version: process.version,
    platform: `${process.platform}-${process.arch}`,
    runtime: { name: "onnxruntime-node", version },
    executionProviders: executionProviders.map((p) => (typeof p === "string" ? p : p.name)),
    threads: intraOpNumThreads,
  };
}

/** The pictures by name, and by what the perturbation is amplified in its own. */
function picturesOf(shown: Shown) {
  const { report, description, saved, slice } = shown;
  const placement = planeOf(description.grid.placement);
  const original = sliceOfImage(report.image, slice);
  const adversarial = sliceOfImage(saved.image, slice);
  const withLabels = (picture: ImageTensor, labels: LabelMap) =>
    encodePicture(
      overlay(imagePicture(picture), sliceOfLabels(labels, slice), {
        placement,
        ignoreLabel: ignored,
      }),
    );
  const perturbation = perturbationPicture(original, adversarial);
  const pictures = new Map<string, Uint8Array>([
    ["perturbation.png", encodePicture(perturbation)],
    ["prediction-before.png", withLabels(original, report.predictionBefore)],
    ["prediction-after.png", withLabels(adversarial, saved.prediction)],
    ["overview.png", overviewOf(shown, original, adversarial)],
  ]);
  return { pictures, perturbationFactor: perturbation.factor };
}

function overviewOf(
  { report, description, saved, slice }: Shown,
  original: ImageTensor,
  adversarial: ImageTensor,
): Uint8Array {
  const { result, snapshots, sources, target } = report;
  const ofSlice = (labels: LabelMap) => sliceOfLabels(labels, slice);
  const where =
    slice === undefined ? "" : `; slice ${slice.imageIndex + 1} of ${slice.of}: ${slice.because}`;
  return overviewPicture({
    original,
    prediction: ofSlice(report.predictionBefore),
    target: ofSlice(target),
    adversarial,
    adversarialPrediction: ofSlice(saved.prediction),
    snapshots: snapshots.map(({ iteration, prediction }) => ({
      iteration,
      prediction: ofSlice(prediction),
    })),
    ignoreLabel: ignored,
    placement: planeOf(description.grid.placement),
    title: `${sources.model.model.file} on ${sources.image.file}`,
    subtitle: `${findAttack(result.attack.name).title} after ${result.best.step} steps, measured on the saved file${where}`,
    facts: [
      { name: `IoU (${saved.iouDefinition})`, value: percent(saved.iou) },
      { name: "Pixel accuracy", value: percent(saved.pixelAccuracy) },
      { name: "L2", value: saved.l2.toPrecision(3) },
      { name: "L∞", value: saved.linf.toPrecision(3) },
    ],
  });
}

/** The thresholds as lines to draw; one that anything holds is none. */
function goalsOf({ options }: AttackResult): TrajectoryThresholds {
  const line = (threshold: number) =>
    threshold === 0 ? undefined : options.targeted ? threshold : 1 - threshold;
  return { iou: line(options.iouThreshold), pixelAccuracy: line(options.pixelAccuracyThreshold) };
}
