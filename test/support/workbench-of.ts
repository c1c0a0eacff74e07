import * as ort from "onnxruntime-node";
import { readModel, type Runtime } from "@onnx-asma/autodiff";
import { Workbench, type ModelOptions } from "@onnx-asma/core";

/** A workbench for a model's bytes, on the CPU. */
export async function workbenchOf(
  bytes: Uint8Array,
  options: ModelOptions = {},
  runtime: Runtime = ort as Runtime,
): Promise<Workbench> {
  const host = { runtime, sessionOptions: undefined, target: "cpu" } as const;
  return new Workbench(await readModel(bytes), options, host);
}
