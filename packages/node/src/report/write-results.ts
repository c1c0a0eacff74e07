import { createRequire } from "node:module";
import { join } from "node:path";
import {
  findAttack,
  sizeOf,
  type AttackResult,
  type LabelMap,
  type ModelDescription,
  type Verification,
} from "@onnx-asma/core";
import type { FileImage } from "@onnx-asma/core/picture-file";
import {
  dataFiles,
  fileRecordOf,
  recordResult,
  type AdversarialFile,
  type AttackSources,
  type HostRecord,
  type ResultRecord,
  type Slice,
} from "@onnx-asma/core/result-record";
import { writeFile } from "../images/write-file.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { amplificationOf, changeMap, changeUnit } from "./change-map.ts";
import { drawPictures } from "./draw-pictures.ts";
import { checkResultsFolder, fillResultsFolder, resultFilesOf } from "./results-folder.ts";
import type { ShownResult } from "./shown-result.ts";
import { chooseSlice, planeOf, sliceOfImage, sliceOfLabels, sliceOfRegion } from "./slice.ts";
import type { TrajectoryThresholds } from "./trajectory-panels.ts";
import { trajectoryPlot } from "./trajectory-plot.ts";

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
  const description = await model.describe(sizeOf(image));
  const attack = {
    ...report,
    description,
    host: hostRecord(model),
    feeds: model.options.feeds,
  };
  const data = await dataFiles(attack, async (given, labels, options) =>
    model.verify(given, labels, options),
  );
  const { saved, savedFile: file, target } = data;
  // Without what was not written yet: pictures tell of it.
  const figures = await recordResult(attack, data);
  const { placement } = description.grid;
  const slice = chooseSlice(report.predictionBefore, saved.prediction, image, placement);
  const shown = shownResult({ report: { ...report, target }, description, saved, slice, file });
  const plot = trajectoryPlot(result.trajectory, {
    title: shown.title,
    lines: [`${shown.attack}. ${figures.verdict.goal}`],
    thresholds: goalsOf(result),
    targeted: result.options.targeted,
    iouDefinition: result.options.iouDefinition,
    best: result.best.step,
    budget: result.budget,
    levels: file.levels,
  });
  const pictures = drawPictures({ ...shown, outcome: figures });
  const all = new Map([...data.files, ...pictures, ["trajectory.svg", Buffer.from(plot)]]);
  for (const [name, contents] of all) {
    await writeFile(join(folder, name), contents);
  }
  const names = resultFilesOf([...all.keys()]);
  const files = names.map((name) => fileRecordOf(name, all.get(name) as Uint8Array));
  const record = {
    ...figures,
    pictures: {
      perturbationFactor: amplificationOf(shown.change),
      clippedPixels: shown.change.clipped,
      ...(slice && { slice }),
    },
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
