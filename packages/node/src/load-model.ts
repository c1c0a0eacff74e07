import type { Model, SessionOptions, Target } from "@onnx-asma/autodiff";
import { refusal, Workbench, type ModelOptions, type Preprocessor } from "@onnx-asma/core";
import { checkOptions, modelOptionEntries, optionEntry } from "@onnx-asma/core/check-options";
import { withNumbers, type NormalisationName } from "@onnx-asma/core/normalisations";
import { classListOf } from "@onnx-asma/core/preprocessor";
import { checkProviders } from "./check-providers.ts";
import { hostFor } from "./host.ts";
import { LoadedModel } from "./loaded-model.ts";
import { readModelFile } from "./read-model-file.ts";
import { companionsOf } from "./read-preprocessor.ts";
import { readTrainingGraph, type TrainingGraphSource } from "./read-training-graph.ts";

/** Options of {@link loadModel}: how the model is understood, and where it runs. */
export interface LoadModelOptions extends Omit<
  ModelOptions,
  "mean" | "preprocessor" | "trainingGraph"
> {
  /**
   * Subtracted per channel of the model, after `range`; or a name of `normalisations`, which stands for `range`,
   * `mean` and, where it is not given, `std`. @default 0
   */
  readonly mean?: readonly number[] | NormalisationName | undefined;
  /**
   * A `preprocessor_config.json`: its path, or one that was parsed before; `false` for none.
   * @default the one beside the model's file, or above its folder `onnx`, if there is one
   */
  readonly preprocessor?: string | Preprocessor | false | undefined;
  /**
   * Gives the gradient instead of our own rules: path of a training graph of the model, or one read
   * before, with the names of its values. Predictions stay those of the model itself.
   */
  readonly trainingGraph?: TrainingGraphSource | undefined;
  /** Threads per operator; 0 for as many as cores. @default that of `sessionOptions`, otherwise 0 */
  readonly threads?: number | undefined;
  /** Where step graphs run; the numbers are the same. @default as the first execution provider needs it */
  readonly target?: Target | undefined;
}

/**
 * Loads a model for Node.
 *
 * @param source path of an ONNX file, or a model read before
 * @throws AsmaError `ERR_OPTION`, `ERR_PROVIDER`, before any file is read; `ERR_FILE_NOT_FOUND`, `ERR_PREPROCESSOR`,
 *   `ERR_IMAGE_INPUT`; AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 * @example
 * const model = await loadModel("unet.onnx");
 * const image = await model.readImage("scan.png");
 * const run = await model.attack(image, hideClass(await model.predict(image), 1));
 * for await (const { step, iou } of run) console.log(step, iou);
 * const { best } = await run.result;
 * await model.release();
 */
export async function loadModel(
  source: string | Model,
  options: LoadModelOptions = {},
): Promise<LoadedModel> {
  checkOptions(optionEntries, options, "loadModel");
  checkSource(source);
  const { preprocessor: given, trainingGraph, threads, target, ...rest } = withNumbers(options);
  const sessionOptions: SessionOptions = {
    ...rest.sessionOptions,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  };
  checkProviders(sessionOptions);
  const model = typeof source === "string" ? await readModelFile(source) : source;
  const path = typeof source === "string" ? source : undefined;
  const { preprocessor: found, classList } = await companionsOf(given, path);
  const graph = await readTrainingGraph(trainingGraph, sessionOptions);
  const modelOptions: ModelOptions = {
    classList: classListOf(model) ?? classList,
    ...rest,
    ...(found !== undefined && { preprocessor: found.preprocessor }),
    trainingGraph: graph,
    sessionOptions,
  };
  const bench = new Workbench(model, modelOptions, hostFor(sessionOptions, target));
  return new LoadedModel(bench, found?.file);
}

/** The options that Node adds, and those that it takes otherwise. */
const optionEntries = {
  ...modelOptionEntries,
  preprocessor: optionEntry("path", "a path, what parsePreprocessor gave, or false"),
  threads: optionEntry("whole number", "threads per operator"),
  target: optionEntry("text", "'cpu' or 'any'"),
} as const satisfies Record<keyof LoadModelOptions, unknown>;

function checkSource(source: unknown): void {
  const isModel = typeof source === "object" && source !== null && "declaredInputs" in source;
  if (typeof source !== "string" && !isModel) {
    throw refusal("ERR_MODEL_UNREADABLE", {
      expected: "the path of an ONNX file, or a model as readModel gives it,",
      found: `found ${source instanceof Uint8Array ? "bytes" : source === null ? "null" : typeof source}`,
      wayOut: "give a path, or read bytes with readModel of @onnx-asma/autodiff",
    });
  }
}
