import { findAttack } from "../attacks/index.ts";
import type { Feed } from "@onnx-asma/autodiff";
import { isWithin } from "../goal/goal.ts";
import { ignored, type LabelMap } from "../image.ts";
import { visibility } from "../metrics/visibility.ts";
import { verdictWords } from "../verdict-words/verdict-words.ts";
import { toolVersion } from "../tool-version.ts";
import type { RecordedAttack } from "./recorded-attack.ts";
import { comparePredictions } from "./compare-predictions.ts";
import { verdictOf, type DataFiles } from "./data-files.ts";
import { fileRecordOf } from "./file-record.ts";
import type {
  BestRecord,
  FeedRecord,
  ImageRecord,
  ModelRecord,
  RegionRecord,
  ResultRecord,
  TargetRecord,
} from "./result-record.ts";
import { labelsHash, sha256 } from "./sha-256.ts";

/**
 * The record of an attack, but for the files and pictures that are written with it.
 *
 * @param data made by `dataFiles`
 * @throws AsmaError as {@link sha256}
 */
export async function recordResult(
  attack: RecordedAttack,
  data: DataFiles,
): Promise<Omit<ResultRecord, "files" | "pictures">> {
  const { description, failure, result } = attack;
  const { labels, saved, savedFile, target } = data;
  const { title, paper } = findAttack(result.attack.name);
  const region = regionRecord(attack, data);
  const figures = {
    schemaVersion: 2 as const,
    tool: { name: "onnx-asma", version: toolVersion },
    host: attack.host,
    model: await modelRecord(attack),
    image: await imageRecord(attack, data),
    target: await targetRecord(attack, data),
    ...(region && { region }),
    attack: { ...result.attack, title, paper },
    options: result.options,
    budget: result.budget ?? null,
    iouDefinition: result.options.iouDefinition,
    stopReason: result.stopReason,
    ...(failure && { failure: { code: failure.code, message: failure.message } }),
    best: bestRecord(result.best),
    steps: result.trajectory.length - 1,
    passes: result.passes,
    judged: result.trajectory.flatMap(({ step, judged }) => (judged ? [{ step, ...judged }] : [])),
    notices: attack.notices ?? result.notices,
    ...comparePredictions({
      before: attack.predictionBefore,
      target,
      after: saved.prediction,
      classNames: description.classNames,
    }),
    visibility: visibility(saved.image, attack.image, savedFile.levels ?? levelsOfFloats),
    float: verdictOf(data.float),
    saved: verdictOf(saved),
    savedFile: savedFile.name,
    reached: saved.reached && isWithin(result.budget, saved),
    labels: { before: labels.before, after: labels.after, float: labels.float },
    seconds: {
      attack: result.seconds,
      perStep: result.seconds / Math.max(1, result.trajectory.length),
      differentiate: result.build.differentiateSeconds,
      load: result.build.loadSeconds,
    },
  };
  return { ...figures, verdict: verdictWords(figures) };
}

/** Levels that a change of floats is told in. */
const levelsOfFloats = 256;

async function modelRecord({ description, feeds, sources }: RecordedAttack): Promise<ModelRecord> {
  const { model, externalData, preprocessor, trainingGraph } = sources.model;
  return {
    ...model,
    externalData,
    preprocessor: preprocessor ?? null,
    trainingGraph: trainingGraph ?? null,
    opset: description.opset,
    adaptations: description.adaptations,
    input: description.input,
    feeds: Object.fromEntries(
      await Promise.all(
        Object.entries(feeds ?? {}).map(async ([name, feed]) => [name, await feedRecord(feed)]),
      ),
    ) as ModelRecord["feeds"],
    output: description.head,
    grid: description.grid,
    classes: description.classNames,
    preprocessing: description.preprocessing,
    decisions: description.decisions,
  };
}

async function feedRecord(feed: Feed): Promise<number | FeedRecord> {
  if (typeof feed === "number") {
    return feed;
  }
  const bytes = new DataView(new ArrayBuffer(8 * feed.data.length));
  Array.from(feed.data, Number).forEach((v, i) => bytes.setFloat64(8 * i, v, true));
  return { dims: [...feed.dims], sha256: await sha256(new Uint8Array(bytes.buffer)) };
}

async function imageRecord(
  { image, sources }: RecordedAttack,
  { files, original }: DataFiles,
): Promise<ImageRecord> {
  const file = sources.image ?? (await fileRecordOf(original, files.get(original) as Uint8Array));
  return {
    ...file,
    dims: image.dims,
    bitDepth: image.bitDepth,
    levels: Number.isFinite(image.levels) ? image.levels : "float",
    format: image.format,
    decoder: image.decoder,
    ...(image.pages !== undefined && { pages: image.pages }),
    decoded: original,
  };
}

async function targetRecord(
  { description, request = {}, sources }: RecordedAttack,
  { labels, target }: DataFiles,
): Promise<TargetRecord> {
  const isAsked = Object.values(request).some((value) => value !== undefined);
  const count = (label: number) => countOf(target, label);
  return {
    ...labels.target,
    labelsSha256: await labelsHash(target),
    ...(sources.target && { from: sources.target }),
    ...(isAsked && { request }),
    dims: target.dims,
    pixelsPerClass: description.classNames.map((_, label) => count(label)),
    ignoredPixels: count(ignored),
  };
}

function countOf({ data }: LabelMap, label: number): number {
  return data.reduce((sum, other) => sum + (other === label ? 1 : 0), 0);
}

function regionRecord(
  { sources }: RecordedAttack,
  { region }: DataFiles,
): RegionRecord | undefined {
  return region && { ...region, ...(sources.region && { from: sources.region }) };
}

/** JSON has no numbers that are not finite. */
function bestRecord(best: RecordedAttack["result"]["best"]): BestRecord {
  const { step, iou, pixelAccuracy, wrongPixels, l1, l2, linf } = best;
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    step,
    iou,
    pixelAccuracy,
    wrongPixels,
    loss: finite(best.loss),
    l1,
    l2,
    linf,
    gradientL2: finite(best.gradientL2),
    logs: Object.fromEntries(
      Object.entries(best.logs).map(([name, value]) => [name, finite(value)]),
    ),
  };
}
