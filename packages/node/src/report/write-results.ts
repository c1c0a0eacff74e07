import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  findAttack,
  fitTarget,
  sizeOf,
  type AttackResult,
  type LabelMap,
  type ModelDescription,
  type Verdict,
  type Verification,
  type VerifyOptions,
} from "@onnx-asma/core";
import { visibility } from "@onnx-asma/core/visibility";
import { encodeImage, imageFormatOf } from "@onnx-asma/core/png";
import { recordFile } from "../file-record.ts";
import type { FileImage } from "../images/file-image.ts";
import { writeNpy } from "../images/npy.ts";
import { writeFile } from "../images/write-file.ts";
import { writeLabels } from "../images/write-labels.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { adversarialFile, writeAdversarial, type AdversarialFile } from "./adversarial-file.ts";
import { amplificationOf, changeMap, changeUnit } from "./change-map.ts";
import { verdictWords } from "@onnx-asma/core/verdict-words";
import { recordResult } from "./record-result.ts";
import type { AttackSources, ResultRecord } from "./result-record.ts";
import { checkResultsFolder, fillResultsFolder, resultFilesOf } from "./results-folder.ts";
import type { ShownResult } from "./shown-result.ts";
import {
  chooseSlice,
  planeOf,
  sliceOfImage,
  sliceOfLabels,
  sliceOfRegion,
  type Slice,
} from "./slice.ts";
import { trajectoryCsv } from "./trajectory-csv.ts";
import type { TrajectoryThresholds } from "./trajectory-panels.ts";
import { trajectoryPlot } from "./trajectory-plot.ts";
import { writePictures } from "./write-pictures.ts";

/** What an attack came to, and everything that says how. */
export interface AttackReport {
  readonly model: LoadedModel;
  readonly sources: AttackSources;
  readonly image: FileImage;
  readonly target: LabelMap;
  readonly predictionBefore: LabelMap;
  readonly result: AttackResult;
  /** What ended the run, where it failed. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
  /** Predictions along the way, for the overview. */
  readonly snapshots: readonly { readonly iteration: number; readonly prediction: LabelMap }[];
  /** Where the image was allowed to change, one number per pixel. @default everywhere */
  readonly region?: Float32Array | undefined;
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
  readonly file: AdversarialFile;
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
  const { best, options } = result;
  const at = (name: string) => join(folder, name);
  const description = await model.describe(sizeOf(image));
  const target = fitTarget(report.target, description);
  const file = adversarialFile(image, options.levels);
  await writeAdversarial(at(file.name), best.image, file);
  if (file.format === "png") {
    await writeNpy(at("adversarial.npy"), best.image);
  }
  const judging: VerifyOptions = { ...options, original: image };
  const saved = await model.verify(at(file.name), target, judging);
  const float = await model.verify(best.image, target, judging);
  const original = await writeOriginal(folder, image);
  const targetFile = await writeLabels(at("target"), target, description.head);
  const labels = {
    before: await writeLabels(at("labels-before"), report.predictionBefore, description.head),
    after: await writeLabels(at("labels-after"), saved.prediction, description.head),
  };
  const { placement } = description.grid;
  const slice = chooseSlice(report.predictionBefore, saved.prediction, image, placement);
  const shown = shownResult({ report: { ...report, target }, description, saved, slice, file });
  const { executionProviders = ["cpu"], intraOpNumThreads = 0 } =
    model.options.sessionOptions ?? {};
  const parts = recordResult({
    ...report,
    target,
    request: report.request ?? {},
    failure: report.failure,
    notices: report.notices ?? result.notices,
    predictionAfter: saved.prediction,
    labels,
    visibility: visibility(saved.image, image, unitOf(file)),
    original,
    files: [],
    description,
    runtime: {
      executionProviders: executionProviders.map((p) => (typeof p === "string" ? p : p.name)),
      threads: intraOpNumThreads,
    },
    targetFile,
    verdicts: { float: verdictOf(float), saved: verdictOf(saved) },
    savedFile: file.name,
    adversarialSha256: (await recordFile(at(file.name))).sha256,
    slice,
    perturbationPictureFactor: amplificationOf(shown.change),
  });
  await writePictures(folder, { ...shown, outcome: parts });
  await writeFile(at("trajectory.csv"), trajectoryCsv(result.trajectory));
  await writeFile(
    at("trajectory.svg"),
    trajectoryPlot(result.trajectory, {
      title: shown.title,
      lines: [`${shown.attack}. ${verdictWords(parts).goal}`],
      thresholds: goalsOf(result),
      targeted: result.options.targeted,
      iouDefinition: result.options.iouDefinition,
      best: result.best.step,
      budget: result.budget,
      levels: file.levels,
    }),
  );
  const record = { ...parts, files: resultFilesOf(await readdir(folder)) };
  await writeFile(at("result.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

/** Writes the pixels as they were decoded, so that nobody needs the same decoder. */
async function writeOriginal(folder: string, image: FileImage): Promise<string> {
  const format = imageFormatOf(image);
  const name = `original.${format.format}`;
  await writeFile(join(folder, name), encodeImage(image, format));
  return name;
}

/** Levels that a change is told in: those of the file, for floats 256. */
function unitOf({ levels }: AdversarialFile): number {
  return levels ?? 256;
}

/** What the pictures show: of a volume one slice. */
function shownResult({
  report,
  description,
  saved,
  slice,
  file,
}: Shown): Omit<ShownResult, "outcome"> {
  const { image, region, result, snapshots, sources, target } = report;
  const original = sliceOfImage(image, slice);
  const adversarial = sliceOfImage(saved.image, slice);
  const ofSlice = (labels: LabelMap) => sliceOfLabels(labels, slice);
  return {
    title: `${sources.model.model.file} on ${sources.image.file}`,
    attack: findAttack(result.attack.name).title,
    savedFile: file.name,
    classNames: description.classNames,
    original,
    adversarial,
    change: changeMap(original, adversarial, changeUnit(file.levels)),
    predictionBefore: ofSlice(report.predictionBefore),
    target: ofSlice(target),
    predictionAfter: ofSlice(saved.prediction),
    snapshots: snapshots.map(({ iteration, prediction }) => ({
      iteration,
      prediction: ofSlice(prediction),
    })),
    region: region === undefined ? undefined : sliceOfRegion(region, image, slice),
    placement: planeOf(description.grid.placement),
    slice,
  };
}

/** The thresholds as lines to draw; one that anything holds is none. */
function goalsOf({ options }: AttackResult): TrajectoryThresholds {
  const line = (threshold: number) =>
    threshold === 0 ? undefined : options.targeted ? threshold : 1 - threshold;
  return { iou: line(options.iouThreshold), pixelAccuracy: line(options.pixelAccuracyThreshold) };
}

function verdictOf(verification: Verification): Verdict {
  const { image: _image, prediction: _prediction, iouDefinition: _name, ...verdict } = verification;
  return verdict;
}
