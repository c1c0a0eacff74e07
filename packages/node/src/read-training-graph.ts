import type { SessionOptions } from "@onnx-asma/autodiff";
import type { TrainingGraphOptions } from "@onnx-asma/core";
import { graphTarget } from "./graph-target.ts";
import { readModelFile } from "./read-model-file.ts";

/**
 * A training graph from a path, or as it was given, for the sessions that will run it.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`; AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 */
export async function readTrainingGraph(
  given: string | TrainingGraphOptions | undefined,
  sessionOptions: SessionOptions | undefined,
): Promise<TrainingGraphOptions | undefined> {
  if (given === undefined) {
    return undefined;
  }
  const options = typeof given === "string" ? { model: await readModelFile(given) } : given;
  return { target: graphTarget(sessionOptions), ...options };
}
