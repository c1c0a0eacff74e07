import * as ort from "onnxruntime-node";
import { readModel, type Runtime } from "@onnx-asma/autodiff";
import { registerAttackFamily } from "@onnx-asma/core/attack-family";
import { Workbench, type ModelOptions, type SegmentationModel } from "@onnx-asma/core";

registerAttackFamily();

/** A workbench for a model's bytes, on the CPU. */
export async function workbenchOf(
  bytes: Uint8Array,
  options: ModelOptions = {},
  runtime: Runtime = ort as Runtime,
): Promise<Workbench> {
  const host = { runtime, sessionOptions: undefined, target: "cpu" } as const;
  return new Workbench(await readModel(bytes), options, host);
}

/** A workbench for a model that was loaded before, with its options. */
export function workbenchFor({ original, options, runtime }: SegmentationModel): Workbench {
  return new Workbench(original, options, {
    runtime,
    sessionOptions: options.sessionOptions,
    target: "any",
  });
}
