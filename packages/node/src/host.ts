import { ort } from "./onnxruntime.ts";
import type { Runtime, SessionOptions, Target } from "@onnx-asma/autodiff";
import type { Host } from "@onnx-asma/core";
import { registerAttackFamily } from "@onnx-asma/core/attack-family";
import { comparedWith } from "@onnx-asma/core/device-check";
import { doubtInput } from "@onnx-asma/core/input-check";
import { graphTarget } from "./graph-target.ts";

registerAttackFamily();

/**
 * How Node computes: with onnxruntime-node. A device, which is any first provider other than the CPU, is
 * compared with the CPU once for each size of image.
 *
 * @param target where step graphs run. Default: as the first provider needs it
 */
export function hostFor(
  sessionOptions: SessionOptions | undefined,
  target: Target = graphTarget(sessionOptions),
): Host {
  return {
    runtime: ort as Runtime,
    sessionOptions,
    target,
    doubt: doubtInput,
    processor:
      graphTarget(sessionOptions) === "cpu"
        ? undefined
        : comparedWith({ ...sessionOptions, executionProviders: ["cpu"] }),
  };
}
