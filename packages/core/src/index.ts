/**
 * The Adaptive Segmentation Mask Attack on any ONNX segmentation model, on any ONNX Runtime.
 *
 * @module @onnx-asma/core
 */

// The order is the bundler's: models first takes 1 kB less, compressed, than attacks first.
export type { Decision } from "./model/decision.ts";
export type { OptionKey } from "./model/option.ts";
export { metadataKey, type ModelMetadata } from "./model/model-metadata.ts";
export type { ChannelOrder } from "./model/input/channel-order.ts";
export { describeImageInput, type ImageInput } from "./model/input/image-input.ts";
export { layouts, type Layout } from "./model/layout.ts";
export {
  outputKinds,
  type ClassList,
  type LabelGrid,
  type LoadOptions,
  type ModelOptions,
  type OutputKind,
  type Padding,
  type CheckedTrainingGraph,
  type TrainingGraphOptions,
  type TrainingGraphRequest,
  type TrainingGraphSource,
} from "./model/model-options.ts";
export type { Preprocessor } from "./model/input/preprocessor.ts";
export { resamplings, type Resampling } from "./model/input/resampling-matrix.ts";
export { toOutputGrid, type GridKind, type OutputGrid } from "./model/grid/output-grid.ts";
export type { Decoding } from "./model/output/decoding.ts";
export type { OutputHead } from "./model/output/output-head.ts";
export type { Preprocessing } from "./model/input/preprocessing.ts";
export type { ModelDescription } from "./model/model-description.ts";
export type { AppendedModel, Term } from "./model/append-model.ts";
export { SegmentationModel } from "./model/segmentation-model.ts";
export {
  defineAttack,
  type AttackDefinition,
  type AttackedModel,
  type Keeps,
  type RunPresets,
} from "./attack/attack-definition.ts";
export type { Operand, Operators } from "./attack/operators.ts";
export type { OptionEntries, OptionsInput, OptionsOutput } from "./attack/option-schema.ts";
export type { Random } from "./attack/random.ts";
export {
  defineRecipe,
  type Recipe,
  type RunFacts,
  type Schedule,
  type StateSpec,
} from "./attack/recipe.ts";
export type { MetricValues, StepContext, StepValues } from "./attack/step-context.ts";
export type { JudgedRecord, StepRecord } from "./attack/step-record.ts";
export {
  allAttacks,
  defaultAttack,
  findAttack,
  registerAttack,
  type AttackName,
  type AttackOptionsByName,
} from "./attacks/index.ts";
export { distances, type DistanceName } from "./distance/index.ts";
export { Goal, isWithin, type Candidate, type GoalOptions } from "./goal/goal.ts";
export type { Thresholds } from "./metrics/thresholds.ts";
export { losses, type LossName } from "./loss/index.ts";
export { fromNdarray, toImageTensor, type NdarrayData, type NdarrayLike } from "./ndarray.ts";
export type { AttackResult, AttackStep, Iterate, Passes, StopReason } from "./run/attack-result.ts";
export { AttackRun } from "./run/attack-run.ts";
export type { BatchResult, BatchStep } from "./run/run-attack.ts";
export type { RunOptions, RunOptionsUsed } from "./run/run-options.ts";
export { parseChoice, type AttackChoice, type ParsedChoice } from "./workbench/attack-choice.ts";
export type {
  ImageLike,
  LabelsLike,
  ModelHandle,
  Verification,
  VerifyOptions,
} from "./workbench/model-handle.ts";
export type { CheckedHost, DeviceChecker, Processor } from "./workbench/processor.ts";
export type { Doubt, Host } from "./workbench/host.ts";
export { Workbench } from "./workbench/workbench.ts";
export {
  AsmaError,
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
  type ScoreMap,
  type Size,
} from "./image.ts";
export { levelsOf } from "./levels-of.ts";
export { confusionMatrix, type ConfusionMatrix } from "./metrics/confusion-matrix.ts";
export {
  absentPixels,
  defaultIouDefinition,
  iou,
  iouDefinitions,
  type IouDefinition,
} from "./metrics/iou.ts";
export { perturbationNorms, type PerturbationNorms } from "./metrics/perturbation-norms.ts";
export { judge, type JudgeInput, type Verdict } from "./metrics/verdict.ts";
export { pixelAccuracy } from "./metrics/pixel-accuracy.ts";
export { buildStepGraph, type StepGraph, type StepGraphOptions } from "./step/step-graph.ts";
export { firstNumbers } from "./step/append-inputs.ts";
export { Iterates, type IteratesStart, type StepMetrics } from "./step/iterates.ts";
export {
  StepSession,
  type OutputPlace,
  type StepBuild,
  type StepHost,
} from "./step/step-session.ts";
export { fitTarget } from "./targets/fit-target.ts";
