import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import {
  ignored,
  judge,
  type AttackResult,
  type ImageTensor,
  type IouDefinition,
  type LabelMap,
  type SegmentationModel,
  type StepBuild,
  type Verdict,
} from "@onnx-asma/core";
import type { FileImage } from "../images/file-image.ts";
import { writeNpy } from "../images/npy.ts";
import { writeFile } from "../images/write-file.ts";
import { writeTarget, type TargetFile } from "../images/write-target.ts";
import {
  adversarialFile,
  readAdversarial,
  writeAdversarial,
  type AdversarialFile,
} from "./adversarial-file.ts";
import { overlay } from "./mask-picture.ts";
import { overviewPicture } from "./overview-picture.ts";
import { perturbationPicture } from "./perturbation-picture.ts";
import { encodePicture, imagePicture } from "./picture.ts";
import { fillResultsFolder, resultFilesOf } from "./results-folder.ts";
import { chooseSlice, planeOf, sliceOfImage, sliceOfLabels, type Slice } from "./slice.ts";
import { trajectoryCsv } from "./trajectory-csv.ts";
import { trajectoryPlot } from "./trajectory-plot.ts";

/** What an attack came to, and everything that says how. */
export interface AttackReport {
  readonly model: SegmentationModel;
  readonly modelPath: string;
  readonly imagePath: string;
  readonly image: FileImage;
  /** How the adversarial image is saved. Default: as the image was. */
  readonly file?: AdversarialFile;
  readonly target: LabelMap;
  readonly predictionBefore: LabelMap;
  readonly result: AttackResult;
  /** Predictions along the way, for the adaptive masks of the overview. */
  readonly snapshots: readonly { readonly iteration: number; readonly prediction: LabelMap }[];
  readonly thresholds: { readonly iou: number; readonly pixelAccuracy: number };
  /** Options as given, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly build: StepBuild;
}

/** The object in `result.json`. */
export interface ResultRecord {
  readonly tool: { readonly name: string; readonly version: string };
  readonly runtime: Readonly<Record<string, string>>;
  readonly model: Readonly<Record<string, unknown>>;
  readonly image: Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  /** ASMA draws no random numbers. */
  readonly seed: null;
  readonly iouDefinition: IouDefinition;
  readonly thresholds: AttackReport["thresholds"];
  readonly scale: AttackResult["scale"];
  readonly stopReason: AttackResult["stopReason"];
  readonly bestStep: number;
  readonly steps: number;
  readonly forwards: number;
  readonly backwards: number;
  /** The float image. */
  readonly float: Verdict;
  /** The image as re-read from `savedFile`. */
  readonly saved: Verdict;
  /** The file that decides: `adversarial.png`, or `.npy` where a PNG cannot hold the image. */
  readonly savedFile: AdversarialFile["name"];
  /** The slice of a volume that the pictures show. */
  readonly slice?: Slice;
  readonly reached: boolean;
  readonly perturbationPictureFactor: number;
  readonly seconds: Readonly<Record<string, number>>;
  readonly files: readonly string[];
}

/**
 * Writes an attack's results into a folder, all or nothing: pictures (of a volume of its slice that
 * changed most), the adversarial image as PNG (rounded) and as float `.npy`, or only as `.npy` of the
 * image's own bits where a PNG cannot hold it, trajectory as plot and CSV, `result.json`. Results of
 * an earlier attack are replaced. The saved image is read back and run through the **untouched** model;
 * that verdict decides.
 *
 * @throws AsmaError `ERR_FOLDER_NOT_WRITABLE`
 */
export async function writeResults(folder: string, report: AttackReport): Promise<ResultRecord> {
  return await fillResultsFolder(folder, (staging) => writeFiles(staging, report));
}

async function writeFiles(folder: string, report: AttackReport): Promise<ResultRecord> {
  const { model, image, target, result, thresholds } = report;
  const { best } = result;
  const at = (name: string) => join(folder, name);
  const file = report.file ?? adversarialFile(image);
  const isPng = file.name === "adversarial.png";
  await writeAdversarial(at(file.name), best.image, file);
  if (isPng) {
    await writeNpy(at("adversarial.npy"), best.image);
  }
  const savedImage = await readAdversarial(at(file.name), image);
  const saved = await verify(report, savedImage);
  const float = await verify(report, best.image);
  const { grid } = model.description;
  const slice = chooseSlice(report.predictionBefore, saved.prediction, image, grid.placement);
  const [shownImage, shownSaved] = [image, savedImage].map((x) => sliceOfImage(x, slice)) as [
    ImageTensor,
    ImageTensor,
  ];
  const ofSlice = (labels: LabelMap) => sliceOfLabels(labels, slice);
  const perturbation = perturbationPicture(shownImage, shownSaved);
  const placement = planeOf(grid.placement);
  const show = (picture: ImageTensor, labels: LabelMap) =>
    encodePicture(
      overlay(imagePicture(picture), ofSlice(labels), { placement, ignoreLabel: ignored }),
    );
  await writeFile(at("perturbation.png"), encodePicture(perturbation));
  await writeFile(at("prediction-before.png"), show(shownImage, report.predictionBefore));
  await writeFile(at("prediction-after.png"), show(shownSaved, saved.prediction));
  const targetFile = await writeTarget(folder, target, model.description.head);
  await writeFile(at("trajectory.csv"), trajectoryCsv(result.trajectory));
  await writeFile(at("trajectory.svg"), trajectoryPlot(result.trajectory, thresholds));
  const overview = overviewPicture({
    original: shownImage,
    prediction: ofSlice(report.predictionBefore),
    target: ofSlice(target),
    adversarial: shownSaved,
    adversarialPrediction: ofSlice(saved.prediction),
    snapshots: report.snapshots.map(({ iteration, prediction }) => ({
      iteration,
      prediction: ofSlice(prediction),
    })),
    ignoreLabel: ignored,
    placement,
    title: `${basename(report.modelPath)} on ${basename(report.imagePath)}`,
    subtitle: `after ${best.step} steps, measured on the saved file${slice === undefined ? "" : `; slice ${slice.imageIndex + 1} of ${slice.of}: ${slice.because}`}`,
    facts: [
      { name: "IoU with target", value: percent(saved.verdict.iou) },
      { name: "Pixel accuracy", value: percent(saved.verdict.pixelAccuracy) },
      { name: "L2", value: saved.verdict.l2.toPrecision(3) },
      { name: "L∞", value: saved.verdict.linf.toPrecision(3) },
    ],
  });
  await writeFile(at("overview.png"), overview);
  const record = toRecord(report, float.verdict, saved.verdict, {
    perturbationPictureFactor: perturbation.factor,
    checksum: await sha256(at(file.name)),
    savedFile: file.name,
    targetFile,
    slice,
  });
  await writeFile(at("result.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

/** A share as people write it; never rounded up to 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
}

async function verify(report: AttackReport, image: AttackResult["best"]["image"]) {
  const { model, target, thresholds, result } = report;
  const prediction = await model.predict(image);
  const verdict = judge({
    prediction,
    target,
    image,
    original: report.image,
    classes: model.description.head.classes,
    iouDefinition: result.iouDefinition,
    thresholds,
  });
  return { prediction, verdict };
}

function toRecord(
  report: AttackReport,
  float: Verdict,
  saved: Verdict,
  written: Pick<ResultRecord, "perturbationPictureFactor" | "savedFile" | "slice"> & {
    readonly checksum: string;
    readonly targetFile: TargetFile;
  },
): ResultRecord {
  const { model, result, target } = report;
  const { description } = model;
  const counts = description.classNames.map((_, c) =>
    target.data.reduce((n, l) => n + (l === c ? 1 : 0), 0),
  );
  return {
    tool: { name: "onnx-asma", version: versionOf("../../package.json") },
    runtime: {
      node: process.version,
      "onnxruntime-node": versionOf("onnxruntime-node/package.json"),
      platform: `${process.platform}-${process.arch}`,
    },
    model: {
      file: basename(report.modelPath),
      sha256: createHash("sha256").update(modelBytes(report)).digest("hex"),
      opset: description.opset,
      adaptations: description.adaptations,
      input: description.input,
      output: description.head,
      grid: description.grid,
      classes: description.classNames,
      preprocessing: description.preprocessing,
      decisions: description.decisions,
    },
    image: {
      file: basename(report.imagePath),
      dims: report.image.dims,
      bitDepth: report.image.bitDepth,
      adversarialSha256: written.checksum,
    },
    target: {
      file: written.targetFile.file,
      dims: target.dims,
      pixelsPerClass: counts,
      ignoredPixels: target.data.reduce((n, l) => n + (l === ignored ? 1 : 0), 0),
      ...(written.targetFile.ignoredAs !== undefined && {
        ignoredAs: written.targetFile.ignoredAs,
      }),
    },
    options: report.options,
    seed: null,
    iouDefinition: result.iouDefinition,
    thresholds: report.thresholds,
    scale: result.scale,
    stopReason: result.stopReason,
    bestStep: result.best.step,
    steps: result.trajectory.length - 1,
    forwards: result.forwards,
    backwards: result.backwards,
    float,
    saved,
    reached: saved.reached,
    savedFile: written.savedFile,
    ...(written.slice && { slice: written.slice }),
    perturbationPictureFactor: written.perturbationPictureFactor,
    seconds: {
      attack: result.seconds,
      perStep: result.seconds / Math.max(1, result.forwards),
      differentiate: report.build.differentiateSeconds,
      load: report.build.loadSeconds,
    },
    files: resultFilesOf(written.savedFile === "adversarial.png", written.targetFile.file),
  };
}

function modelBytes({ model }: AttackReport): Uint8Array {
  return (model.original.files[0] as { data: Uint8Array }).data;
}

async function sha256(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

function versionOf(specifier: string): string {
  return (createRequire(import.meta.url)(specifier) as { version: string }).version;
}
