import { createRequire } from "node:module";
import {
  findAttack,
  isWithin,
  ignored,
  type AttackResult,
  type ImageTensor,
  type IouDefinition,
  type JudgedRecord,
  type LabelMap,
  type ModelDescription,
  type Passes,
  type RunOptionsUsed,
  type StepRecord,
  type Verdict,
} from "@onnx-asma/core";
import type { FileRecord } from "../file-record.ts";
import type { TargetFile } from "../images/write-target.ts";
import type { ModelSources } from "../loaded-model.ts";
import type { AdversarialFile } from "./adversarial-file.ts";
import { labelsHash } from "./labels-hash.ts";
import { resultFilesOf } from "./results-folder.ts";
import type { Slice } from "./slice.ts";

/** The files that an attack was given, each as it was read. */
export interface AttackSources {
  readonly model: ModelSources;
  readonly image: FileRecord;
  /** The mask or the other image that the target was made of. */
  readonly target?: FileRecord | undefined;
  readonly region?: FileRecord | undefined;
}

/** The object in `result.json`. */
export interface ResultRecord {
  readonly tool: { readonly name: string; readonly version: string };
  readonly runtime: Readonly<Record<string, unknown>>;
  /** Files with the SHA-256 of their content, and what the model was taken to mean. */
  readonly model: FileRecord & Readonly<Record<string, unknown>>;
  readonly image: FileRecord & Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
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

/** What a record is made of. */
export interface RecordParts {
  readonly description: ModelDescription;
  readonly sources: AttackSources;
  readonly runtime: Readonly<Record<string, unknown>>;
  readonly image: ImageTensor & { readonly bitDepth: number };
  readonly target: LabelMap;
  readonly targetFile: TargetFile;
  /** How the target was asked for. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly result: AttackResult;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
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
  return {
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
    notices: result.notices,
    ...verdicts,
    // The saved file decides, within the budget where there is one.
    reached: verdicts.saved.reached && isWithin(result.budget, verdicts.saved),
    savedFile,
    ...(slice && { slice }),
    perturbationPictureFactor: parts.perturbationPictureFactor,
    seconds: {
      attack: result.seconds,
      perStep: result.seconds / Math.max(1, result.trajectory.length),
      differentiate: result.build.differentiateSeconds,
      load: result.build.loadSeconds,
    },
    files: resultFilesOf(savedFile === "adversarial.png", targetFile.file),
  };
}

/** A share as people write it; never rounded up to 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
}

function targetRecord(
  { description, request, sources, target }: RecordParts,
  { file, ignoredAs }: TargetFile,
) {
  const counts = new Map<number, number>();
  for (const label of target.data) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return {
    file,
    labelsSha256: labelsHash(target),
    ...(sources.target && { from: sources.target }),
    ...(Object.values(request).some((value) => value !== undefined) && { request }),
    dims: target.dims,
    pixelsPerClass: description.classNames.map((_, c) => counts.get(c) ?? 0),
    ignoredPixels: counts.get(ignored) ?? 0,
    ...(ignoredAs !== undefined && { ignoredAs }),
  };
}

function versionOf(specifier: string): string {
  return (createRequire(import.meta.url)(specifier) as { version: string }).version;
}
