/**
 * The Adaptive Segmentation Mask Attack on any ONNX segmentation model, on any ONNX Runtime.
 *
 * @module
 */
export {
  asma,
  prepareAsma,
  type AsmaFlavour,
  type AsmaOptions,
  type AsmaSession,
  type AsmaSessionOptions,
  type AsmaVariant,
} from "./attacks/asma.ts";
export {
  AttackRun,
  type AttackInput,
  type AttackOptions,
  type AttackResult,
  type AttackStep,
  type Iterate,
  type StepRecord,
  type StepScale,
  type StopReason,
} from "./attacks/attack.ts";
export { checkAttackInput } from "./attacks/check-attack-input.ts";
export {
  AsmaError,
  errorCodes,
  isAsmaError,
  refusal,
  type AsmaErrorOptions,
  type ErrorCode,
  type Refusal,
} from "./errors.ts";
export { sayOptions } from "./option-words.ts";
export {
  ignored,
  sameSize,
  sizeOf,
  type ImageDims,
  type ImageTensor,
  type LabelMap,
  type Size,
} from "./image.ts";
export { checkImageSize, defaultMaxPixels } from "./image-size.ts";
export { confusionMatrix, type ConfusionMatrix } from "./metrics/confusion-matrix.ts";
export { defaultIouDefinition, iou, iouDefinitions, type IouDefinition } from "./metrics/iou.ts";
export { perturbationNorms, type PerturbationNorms } from "./metrics/perturbation-norms.ts";
export { judge, type JudgeInput, type Verdict } from "./metrics/verdict.ts";
export { pixelAccuracy } from "./metrics/pixel-accuracy.ts";
export { wayOutOf, type Decision } from "./model/decision.ts";
export type { OptionKey } from "./model/option.ts";
export { metadataKey, type ModelMetadata } from "./model/model-metadata.ts";
export type { ChannelOrder } from "./model/input/channel-order.ts";
export { describeImageInput, type ImageInput } from "./model/input/image-input.ts";
export { layouts, type Layout } from "./model/layout.ts";
export {
  outputKinds,
  type LabelGrid,
  type LoadOptions,
  type ModelOptions,
  type OutputKind,
  type Padding,
  type TrainingGraphOptions,
} from "./model/model-options.ts";
export { parsePreprocessor } from "./model/input/parse-preprocessor.ts";
export type { Preprocessor } from "./model/input/preprocessor.ts";
export { resamplings, type Resampling } from "./model/input/resampling-matrix.ts";
export { toOutputGrid, type GridKind, type OutputGrid } from "./model/grid/output-grid.ts";
export type { Decoding } from "./model/output/decoding.ts";
export type { OutputHead } from "./model/output/output-head.ts";
export type { Preprocessing } from "./model/input/preprocessing.ts";
export type { ModelDescription } from "./model/model-description.ts";
export type { AppendedModel, Term } from "./model/append-model.ts";
export { SegmentationModel } from "./model/segmentation-model.ts";
export { toSamples, type Samples } from "./samples.ts";
export { buildStepGraph, type StepGraphOptions, type StepMetrics } from "./step/step-graph.ts";
export { StepSession, type OutputPlace, type StepBuild } from "./step/step-session.ts";
export { fitTarget } from "./targets/fit-target.ts";
export { hideClass } from "./targets/hide-class.ts";
export { moveForeground, type Move } from "./targets/move-foreground.ts";
export { disc, rectangle } from "./targets/shape.ts";
