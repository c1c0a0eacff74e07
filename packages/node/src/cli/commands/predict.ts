import { sizeOf } from "@onnx-asma/core";
import { describePrediction } from "@onnx-asma/core/targets";
import { recordFile } from "../../file-record.ts";
import { checkResultsFolder } from "../../report/results-folder.ts";
import { predictionFiles, writePrediction } from "../../report/write-prediction.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ModelFlags } from "../model-flags.ts";
import { openModel } from "../open-model.ts";
import { note, notePages, printResult } from "../output.ts";

/** Flags of `onnx-asma predict`. */
export interface PredictFlags extends ModelFlags {
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `onnx-asma predict MODEL IMAGE -o DIR`: what the untouched model draws, as label map, colours and scores. */
export async function predict(
  path: string,
  imagePath: string,
  flags: PredictFlags,
): Promise<number> {
  await checkResultsFolder(flags.out, flags.force === true, predictionFiles);
  const model = await openModel(path, flags);
  try {
    const image = await model.readImage(imagePath);
    notePages(imagePath, image);
    const prediction = await model.predict(image);
    const { classNames } = await model.describe(sizeOf(image));
    const { notices = [] } = prediction;
    const imageFile = await recordFile(imagePath);
    const record = await writePrediction(flags.out, {
      model,
      image,
      imageFile,
      prediction,
      notices,
    });
    printResult(flags.json === true, record, () =>
      [
        describePrediction(prediction, classNames),
        "",
        `  labels   ${flags.out}/${record.labels.file}, ${prediction.dims.join("×")}; ${record.picture} shows them in colours`,
        `  scores   ${flags.out}/${record.scores.file}, float32 [${record.scores.dims.join(", ")}]: ${record.scores.are}`,
        `  figures  ${flags.out}/prediction.json`,
      ].join("\n"),
    );
    notices.forEach((notice) => note(notice));
    return exitCodes.reached;
  } finally {
    await model.release();
  }
}
