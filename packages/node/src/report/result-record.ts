import { createRequire } from "node:module";
import {
  confusionMatrix,
  findAttack,
  isWithin,
  ignored,
  type AttackResult,
  type ConfusionMatrix,
  type IouDefinition,
  type JudgedRecord,
  type LabelMap,
  type ModelDescription,
  type Passes,
  type RunOptionsUsed,
  type StepRecord,
  type Verdict,
} from "@onnx-asma/core";
import { pixelsPerClass } from "@onnx-asma/core/targets";
import type { Visibility } from "@onnx-asma/core/visibility";
import type { FileImage } from "../images/file-image.ts";
import type { FileRecord } from "../file-record.ts";
import type { LabelsFile } from "../images/write-labels.ts";
import type { ModelSources } from "../loaded-model.ts";
import type { AdversarialFile } from "./adversarial-file.ts";
import { labelsHash } from "./labels-hash.ts";
import type { Slice } from "./slice.ts";

/** The files that an attack was given, each as it was read. */
export interface AttackSources {
  readonly model: ModelSources;
  readonly image: FileRecord;
  /** The mask or the other image that the target was made of. */
  readonly target?: FileRecord | undefined;
  readonly region?: FileRecord | undefined;
}

/** What computed. */
export interface RuntimeRecord {
  readonly node: string;
  /** Version of ONNX Runtime. */
  readonly "onnxruntime-node": string;
  /** Operating system and processor, as Node names them. */
  readonly platform: string;
  readonly executionProviders: readonly string[];
  /** Threads asked for; 0: ONNX Runtime's own choice. */
  readonly threads: number;
}

/** The model's files, and what they were taken to mean for images of this size. */
export interface ModelRecord extends FileRecord {
  readonly externalData: readonly FileRecord[];
  readonly preprocessor: FileRecord | null;
  /** A training graph that the gradient was taken from, with its external data. */
  readonly trainingGraph: readonly FileRecord[] | null;
  readonly opset: number;
  /** How the differentiated model departs from the file. */
  readonly adaptations: ModelDescription["adaptations"];
  readonly input: ModelDescription["input"];
  /** The output that is decoded, and the scores behind it that are attacked. */
  readonly output: ModelDescription["head"];
  /** The grid that labels lie on, and where it lies on the image. */
  readonly grid: ModelDescription["grid"];
  readonly classes: readonly string[];
  readonly preprocessing: ModelDescription["preprocessing"];
  /** Everything that was decided about the model, and why. */
  readonly decisions: ModelDescription["decisions"];
}

/** The untouched image. */
export interface ImageRecord extends FileRecord {
  /** [1, C, H, W], of volumes [1, C, D, H, W]. */
  readonly dims: readonly number[];
  /** Bits per channel of the file; 32 for floating-point numbers. */
  readonly bitDepth: 8 | 16 | 32;
  /** Values per channel that the file can hold. */
  readonly levels: number | "float";
  readonly format: string;
  /** The file in this folder that holds the pixels as they were decoded. */
  readonly decoded: string;
  /** SHA-256 of `savedFile`. */
  readonly adversarialSha256: string;
}

/** The label map that the model shall draw. */
export interface TargetRecord extends LabelsFile {
  /** SHA-256 of the labels as little-endian int32, −1 ignored. */
  readonly labelsSha256: string;
  /** The mask or the other image that it was made of. */
  readonly from?: FileRecord;
  /** The options that it was made by. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Of the output grid. */
  readonly dims: readonly number[];
  readonly pixelsPerClass: readonly number[];
  readonly ignoredPixels: number;
}

/** One class before and after the attack, on the output grid; ignored pixels do not count. */
export interface ClassRecord {
  readonly class: number;
  readonly name: string;
  /** Pixels that the untouched model draws on the untouched image. */
  readonly pixelsBefore: number;
  readonly pixelsTarget: number;
  /** Pixels that it draws on the saved file. */
  readonly pixelsAfter: number;
  /** IoU with the target; `null` for a class that neither contains. */
  readonly iouBefore: number | null;
  readonly iouAfter: number | null;
}

/** The object in `result.json`; docs/results.md has it field by field. */
export interface ResultRecord {
  /** Raised whenever a field changes its meaning or goes. */
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly runtime: RuntimeRecord;
  readonly model: ModelRecord;
  readonly image: ImageRecord;
  readonly target: TargetRecord;
  /** The mask of the region that may change. */
  readonly region?: FileRecord;
  /** The attack, and its options exactly as they were used. */
  readonly attack: AttackResult["attack"] & { readonly title: string; readonly paper: string };
  /** Options of the run exactly as they were used; the thresholds of the verdicts are among them. */
  readonly options: RunOptionsUsed;
  readonly iouDefinition: IouDefinition;
  readonly stopReason: AttackResult["stopReason"];
  /** What ended the run, where it failed. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** The best iterate, as the run recorded it. */
  readonly best: StepRecord;
  readonly steps: number;
  readonly passes: Passes;
  /** What the untouched model said during the run, whenever it was asked. */
  readonly judged: readonly ({ readonly step: number } & JudgedRecord)[];
  readonly notices: readonly string[];
  readonly classes: readonly ClassRecord[];
  /** The class of the target or of either prediction whose IoU on the saved file is the least. */
  readonly worstClass: ClassRecord | null;
  /** How much of the change can be seen, on the saved file. */
  readonly visibility: Visibility;
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
  /** Label maps on the output grid, as `target` is written. */
  readonly labels: { readonly before: LabelsFile; readonly after: LabelsFile };
  readonly seconds: Readonly<Record<string, number>>;
  readonly files: readonly string[];
}

/** What a record is made of. */
export interface RecordParts {
  readonly description: ModelDescription;
  readonly sources: AttackSources;
  readonly runtime: Pick<RuntimeRecord, "executionProviders" | "threads">;
  readonly image: FileImage;
  readonly target: LabelMap;
  readonly targetFile: LabelsFile;
  /** How the target was asked for. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly result: AttackResult;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly notices: readonly string[];
  readonly predictionBefore: LabelMap;
  /** What the untouched model draws on the saved file. */
  readonly predictionAfter: LabelMap;
  readonly labels: ResultRecord["labels"];
  readonly visibility: Visibility;
  /** Name of the file that holds the pixels as they were decoded. */
  readonly original: string;
  /** Names of the files that were written. */
  readonly files: readonly string[];
  readonly verdicts: { readonly float: Verdict; readonly saved: Verdict };
  readonly savedFile: AdversarialFile["name"];
  readonly adversarialSha256: string;
  readonly slice: Slice | undefined;
  readonly perturbationPictureFactor: number;
}

/** The record of an attack. */
export function resultRecord(parts: RecordParts): ResultRecord {
  const { description, image, result, savedFile, slice, sources, targetFile, verdicts } = parts;
  const { image: _image, prediction: _prediction, ...best } = result.best;
  const { title, paper } = findAttack(result.attack.name);
  const classes = classRecords(parts);
  return {
    schemaVersion: 1,
    tool: { name: "onnx-asma", version: versionOf("../../package.json") },
    runtime: {
      node: process.version,
      "onnxruntime-node": versionOf("onnxruntime-node/package.json"),
      platform: `${process.platform}-${process.arch}`,
      ...parts.runtime,
    },
    model: {
      ...sources.model.model,
      externalData: sources.model.externalData,
      preprocessor: sources.model.preprocessor ?? null,
      trainingGraph: sources.model.trainingGraph ?? null,
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
      ...sources.image,
      dims: image.dims,
      bitDepth: image.bitDepth,
      levels: Number.isFinite(image.levels) ? image.levels : "float",
      format: image.format,
      decoded: parts.original,
      adversarialSha256: parts.adversarialSha256,
    },
    target: targetRecord(parts, targetFile),
    ...(sources.region && { region: sources.region }),
    attack: { ...result.attack, title, paper },
    options: result.options,
    iouDefinition: result.options.iouDefinition,
    stopReason: result.stopReason,
    ...(parts.failure && {
      failure: { code: parts.failure.code, message: parts.failure.message },
    }),
    best,
    steps: result.trajectory.length - 1,
    passes: result.passes,
    judged: result.trajectory.flatMap(({ step, judged }) => (judged ? [{ step, ...judged }] : [])),
    notices: parts.notices,
    classes,
    worstClass: worstOf(classes),
    visibility: parts.visibility,
    ...verdicts,
    // The saved file decides, within the budget where there is one.
    reached: verdicts.saved.reached && isWithin(result.budget, verdicts.saved),
    savedFile,
    ...(slice && { slice }),
    perturbationPictureFactor: parts.perturbationPictureFactor,
    labels: parts.labels,
    seconds: {
      attack: result.seconds,
      perStep: result.seconds / Math.max(1, result.trajectory.length),
      differentiate: result.build.differentiateSeconds,
      load: result.build.loadSeconds,
    },
    files: parts.files,
  };
}

/** A share as people write it; never rounded up to 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
}

function classRecords(parts: RecordParts): ClassRecord[] {
  const { description, predictionBefore, predictionAfter, target } = parts;
  const { classes } = description.head;
  const before = confusionMatrix(predictionBefore, target, classes);
  const after = confusionMatrix(predictionAfter, target, classes);
  const column = (matrix: ConfusionMatrix, c: number) =>
    matrix.reduce((sum, row) => sum + (row[c] as number), 0);
  const iouOf = (matrix: ConfusionMatrix, c: number) => {
    const common = matrix[c]?.[c] as number;
    const union = sumOf(matrix[c] as readonly number[]) + column(matrix, c) - common;
    return union === 0 ? null : common / union;
  };
  return description.classNames.map((name, c) => ({
    class: c,
    name,
    pixelsBefore: column(before, c),
    pixelsTarget: sumOf(after[c] as readonly number[]),
    pixelsAfter: column(after, c),
    iouBefore: iouOf(before, c),
    iouAfter: iouOf(after, c),
  }));
}

function worstOf(classes: readonly ClassRecord[]): ClassRecord | null {
  const present = classes.filter(({ iouAfter }) => iouAfter !== null);
  return present.toSorted((a, b) => (a.iouAfter as number) - (b.iouAfter as number))[0] ?? null;
}

const sumOf = (row: readonly number[]) => row.reduce((sum, n) => sum + n, 0);

function targetRecord(
  { description, request, sources, target }: RecordParts,
  { file, ignoredAs }: LabelsFile,
): TargetRecord {
  const { classes } = description.head;
  return {
    file,
    labelsSha256: labelsHash(target),
    ...(sources.target && { from: sources.target }),
    ...(Object.values(request).some((value) => value !== undefined) && { request }),
    dims: target.dims,
    pixelsPerClass: pixelsPerClass(target, classes),
    ignoredPixels: target.data.filter((label) => label === ignored).length,
    ignoredAs,
  };
}

function versionOf(specifier: string): string {
  return (createRequire(import.meta.url)(specifier) as { version: string }).version;
}
