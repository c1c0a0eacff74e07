/**
 * Adversarial attacks on segmentation models in the browser.
 *
 * @module @onnx-asma/web
 */
export * from "@onnx-asma/core";
// Brings the types of their options, too.
export type { AttackFamilyName } from "@onnx-asma/core/attack-family";
export * from "@onnx-asma/core/describe-options";
export * from "@onnx-asma/core/image-size";
export * from "@onnx-asma/core/normalisations";
export * from "@onnx-asma/core/npy";
export * from "@onnx-asma/core/preprocessor";
export * from "@onnx-asma/core/targets";
export type { ClassOptions } from "@onnx-asma/core/mask-file";
export { encodePng, type EncodePngOptions } from "@onnx-asma/core/png";
export { loadModel, type LoadModelOptions } from "./load-model.ts";
export { LoadedModel } from "./loaded-model.ts";
export type { ImageSource } from "./images/to-pixel-source.ts";
export type { FileInput, ModelSource, ModelWithData, TrainingGraphSource } from "./model-source.ts";
export type { Backend, Device, LoadProgress, ReadImage, SourceFiles } from "./messages.ts";
export type { PageAttack } from "./send-attack.ts";
export type { FileRecord, ResultRecord } from "@onnx-asma/core/result-record";
