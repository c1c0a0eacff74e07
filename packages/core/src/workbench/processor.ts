import type { SessionOptions } from "@onnx-asma/autodiff";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { AttackInput } from "../run/attack-task.ts";
import type { StepGraphOptions } from "../step/step-graph.ts";
import type { StepHost } from "../step/step-session.ts";

/** Compares what a device computes with the processor, once for a model and a size. */
export interface DeviceChecker {
  /** @throws AsmaError `ERR_DEVICE_NUMBERS` when the processor draws something else */
  prediction(image: ImageTensor, found: LabelMap): Promise<void>;
  /** @throws AsmaError `ERR_DEVICE_NUMBERS` when the processor has another gradient */
  gradient(input: AttackInput): Promise<void>;
}

/** How a device runs the graphs that are compared. */
export type CheckedHost = StepHost & Pick<StepGraphOptions, "target">;

/**
 * The processor that what a device computes is compared with, since kernels of a device can be wrong: made by
 * `comparedWith` of `@onnx-asma/core/device-check`.
 */
export interface Processor {
  readonly sessionOptions: SessionOptions;
  check(
    model: SegmentationModel,
    host: CheckedHost,
    loadOnProcessor: () => Promise<SegmentationModel>,
  ): DeviceChecker;
}
