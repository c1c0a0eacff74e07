import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  ignored,
  sizeOf,
  type LabelMap,
  type ModelDescription,
  type ScoreMap,
} from "@onnx-asma/core";
import { pixelsPerClass } from "@onnx-asma/core/targets";
import { toolVersion, type FileRecord } from "@onnx-asma/core/result-record";
import type { FileImage } from "@onnx-asma/core/picture-file";
import { writeNpy } from "../images/npy.ts";
import { writeFile } from "../images/write-file.ts";
import { writeLabels } from "../images/write-labels.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { fullestSlice } from "./fullest-slice.ts";
import { maskPicture } from "./mask-picture.ts";
import { encodePicture } from "./picture.ts";
import type { PredictionRecord } from "./prediction-record.ts";
import { fillResultsFolder } from "./results-folder.ts";
import { sliceOfLabels } from "./slice.ts";

/** Files that a prediction may write; the last one comes last and stands for all of them. */
export const predictionFiles = [
  "labels.png",
  "labels.npy",
  "colours.png",
  "scores.npy",
  "prediction.json",
] as const;

/** An image and what a model draws on it. */
export interface PredictionReport {
  readonly model: LoadedModel;
  readonly image: FileImage;
  readonly imageFile: FileRecord;
  readonly prediction: LabelMap;
  readonly notices: readonly string[];
}

/**
 * Writes what the untouched model draws on an image into a folder, all or nothing: `labels.png` (`.npy` where no
 * PNG holds them, see {@link writeLabels}) and `colours.png` (of a volume of the slice with most in it) on the
 * output grid, the scores as attacks raise them as float32 `scores.npy`, and `prediction.json`.
 *
 * @throws AsmaError `ERR_FOLDER_NOT_WRITABLE`
 */
export async function writePrediction(
  folder: string,
  report: PredictionReport,
): Promise<PredictionRecord> {
  return await fillResultsFolder(folder, (to) => writeFiles(to, report), predictionFiles);
}

async function writeFiles(folder: string, report: PredictionReport): Promise<PredictionRecord> {
  const { model, image, imageFile, prediction, notices } = report;
  const { head, grid, classNames, preprocessing } = await model.describe(sizeOf(image));
  const scores = await model.predictScores(image);
  await writeNpy(join(folder, "scores.npy"), scores);
  const labels = await writeLabels(join(folder, "labels"), prediction, head);
  const slice = fullestSlice(prediction, image, grid.placement);
  const picture = maskPicture(sliceOfLabels(prediction, slice), { ignoreLabel: ignored });
  await writeFile(join(folder, "colours.png"), encodePicture(picture));
  const written = await readdir(folder);
  const { sources } = model;
  const pixels = pixelsPerClass(prediction, head.classes);
  const record: PredictionRecord = {
    schemaVersion: 1,
    tool: { name: "onnx-asma", version: toolVersion },
    model: {
      ...sources.model,
      externalData: sources.externalData,
      preprocessor: sources.preprocessor ?? null,
      preprocessing,
      grid,
    },
    image: {
      ...imageFile,
      dims: image.dims,
      bitDepth: image.bitDepth,
      levels: Number.isFinite(image.levels) ? image.levels : "float",
      format: image.format,
    },
    classes: classNames.map((name, c) => ({
      class: c,
      name,
      pixels: pixels[c] as number,
      share: (pixels[c] as number) / prediction.data.length,
    })),
    labels,
    scores: {
      file: "scores.npy",
      dims: scores.dims,
      are: meaningOf(head),
      otherPixels: otherPixels(scores, prediction),
    },
    picture: "colours.png",
    ...(slice && {
      slice: { index: slice.index, imageIndex: slice.imageIndex, of: slice.of },
    }),
    notices,
    files: predictionFiles.filter((name) => name === "prediction.json" || written.includes(name)),
  };
  await writeFile(join(folder, "prediction.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

/** What the scores of a head are. */
function meaningOf({
  scores,
  channel,
  border,
  sign,
  saturation,
}: ModelDescription["head"]): string {
  const of = `'${scores}'`;
  if (channel === undefined) {
    return saturation === undefined
      ? `the values of ${of}, one for each class, of which the largest wins`
      : `the natural logarithms of the probabilities in ${of}, of which the largest wins`;
  }
  const value = `channel ${channel} of ${of}`;
  const z =
    saturation === undefined
      ? `${value} minus its border ${border}`
      : `log(p / (1 − p)) of the probabilities p in ${value}, minus that of the border ${border}`;
  return `[−z, z] / 2, where z is ${z}${sign < 0 ? ", with its sign turned" : ""}`;
}

/** Pixels whose largest score, the first of equals, is not the label's. */
function otherPixels({ data, dims: [classes] }: ScoreMap, { data: labels }: LabelMap): number {
  const pixels = labels.length;
  return labels.reduce((count, label, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if ((data[c * pixels + i] as number) > (data[best * pixels + i] as number)) {
        best = c;
      }
    }
    return count + (best === label ? 0 : 1);
  }, 0);
}
