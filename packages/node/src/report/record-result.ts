import { createRequire } from "node:module";
import {
  confusionMatrix,
  findAttack,
  isWithin,
  ignored,
  type AttackResult,
  type ConfusionMatrix,
  type LabelMap,
  type ModelDescription,
  type Verdict,
} from "@onnx-asma/core";
import { pixelsPerClass } from "@onnx-asma/core/targets";
import type { Visibility } from "@onnx-asma/core/visibility";
import type { FileImage } from "../images/file-image.ts";
import type { LabelsFile } from "../images/write-labels.ts";
import type { AdversarialFile } from "./adversarial-file.ts";
import { labelsHash } from "./labels-hash.ts";
import type {
  AttackSources,
  ClassRecord,
  ResultRecord,
  RuntimeRecord,
  TargetRecord,
} from "./result-record.ts";
import type { Slice } from "./slice.ts";

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
export function recordResult(parts: RecordParts): ResultRecord {
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

/** The version in a package.json. */
export function versionOf(specifier: string): string {
  return (createRequire(import.meta.url)(specifier) as { version: string }).version;
}
