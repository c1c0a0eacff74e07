import type { Model, SessionOptions } from "@onnx-asma/autodiff";
import type { TrainingGraphOptions } from "@onnx-asma/core";
import { trainingGraphFrom } from "@onnx-asma/core/training-graph";
import { graphTarget } from "./graph-target.ts";
import { readModelFile } from "./read-model-file.ts";

/** A training graph of the model: its path, or one that was read before, with the names of its values. */
export type TrainingGraphSource =
  | string
  | (Omit<TrainingGraphOptions, "model"> & { readonly model: string | Model });

/**
 * A training graph for the sessions that will run it.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`; AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 */
export async function readTrainingGraph(
  given: TrainingGraphSource | undefined,
  sessionOptions: SessionOptions | undefined,
): Promise<ReturnType<typeof trainingGraphFrom> | undefined> {
  if (given === undefined) {
    return undefined;
  }
  const { model, ...names } = typeof given === "string" ? { model: given } : given;
  return trainingGraphFrom({
    target: graphTarget(sessionOptions),
    ...names,
    model: typeof model === "string" ? await readModelFile(model) : model,
  });
}
