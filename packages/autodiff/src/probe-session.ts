import { AutodiffError } from "./errors.ts";
import type { Model } from "./model/model.ts";
import { writeModel } from "./model/write-model.ts";
import type { Runtime, Session, SessionOptions } from "./runtime.ts";

/**
 * Loads a model to ask for types and constants, on the CPU wherever the model runs later.
 *
 * @throws AutodiffError `ERR_MODEL_REFUSED` with the runtime's reason
 */
export async function openProbe(
  model: Model,
  runtime: Runtime,
  sessionOptions: SessionOptions | undefined,
): Promise<Session> {
  const { bytes, externalData } = writeModel(model, "reference");
  try {
    return await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: 3,
      ...sessionOptions,
      externalData,
      // Shapes and constants come from the CPU, wherever the model runs later.
      executionProviders: undefined,
      graphOptimizationLevel: "basic",
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AutodiffError("ERR_MODEL_REFUSED", `ONNX Runtime cannot load the model: ${reason}`, {
      cause,
    });
  }
}
