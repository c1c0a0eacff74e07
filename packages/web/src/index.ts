/**
 * The Adaptive Segmentation Mask Attack in the browser.
 *
 * @module
 */
export * from "@onnx-asma/core";
export * from "@onnx-asma/core/npy";
export { encodePng, type EncodePngOptions } from "@onnx-asma/core/png";
export {
  Attack,
  createAttack,
  type CreateAttackOptions,
  type RunAttackOptions,
  type VerifyOptions,
} from "./create-attack.ts";
export type { WebAttackRun, WebAttackStep } from "./attack-run.ts";
export type { ImageSource } from "./images/to-pixel-source.ts";
export type { FileInput, ModelSource, ModelWithData, TrainingGraphSource } from "./model-source.ts";
export type {
  Backend,
  Device,
  LoadProgress,
  StepNumbers,
  Verification,
} from "./worker/messages.ts";
