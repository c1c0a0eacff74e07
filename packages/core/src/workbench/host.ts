import type { Runtime, SessionOptions, Target } from "@onnx-asma/autodiff";
import type { StepHost } from "../step/step-session.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { Processor } from "./processor.ts";

/** Says what is doubtful about an image as a model sees it, given what it predicts. */
export type Doubt = (
  model: SegmentationModel,
  image: ImageTensor,
  prediction: LabelMap,
) => Promise<readonly string[]>;

/** What a host gives: the runtime and how it computes. */
export interface Host extends StepHost {
  readonly runtime: Runtime;
  readonly sessionOptions: SessionOptions | undefined;
  /** Where step graphs run; the numbers are the same. */
  readonly target: Target;
  /** What a device is compared with. */
  readonly processor?: Processor | undefined;
  /**
   * Looks for what speaks against the way in which a model is fed: `doubtInput` of `@onnx-asma/core/input-check`,
   * an entry of its own.
   */
  readonly doubt?: Doubt | undefined;
  /** Told when something takes a while. */
  readonly onBuild?: (() => void) | undefined;
}
