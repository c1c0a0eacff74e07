/**
 * Adversarial attacks on segmentation models in Node.
 *
 * @module @onnx-asma/node
 */
// First: an older Node is told so before anything else runs in it.
import "./check-node.ts";
export * from "@onnx-asma/core";
// Brings the types of their options, too.
export type { AttackFamilyName } from "@onnx-asma/core/attack-family";
export * from "@onnx-asma/core/describe-options";
export * from "@onnx-asma/core/image-size";
export * from "@onnx-asma/core/normalisations";
export * from "@onnx-asma/core/npy";
export * from "@onnx-asma/core/preprocessor";
export * from "@onnx-asma/core/targets";
export { encodePng, type EncodePngOptions } from "@onnx-asma/core/png";
export type {
  AttackSources,
  FileRecord,
  ModelSources,
  ResultRecord,
} from "@onnx-asma/core/result-record";
export type { Decoder, FileImage } from "@onnx-asma/core/picture-file";
export { recordFile } from "./file-record.ts";
export { loadModel, type LoadModelOptions } from "./load-model.ts";
export type { LoadedModel } from "./loaded-model.ts";
export { readModelFile } from "./read-model-file.ts";
export { findPreprocessor, readPreprocessor } from "./read-preprocessor.ts";
export type { TrainingGraphSource } from "./read-training-graph.ts";
export { toNdarray } from "./images/ndarray.ts";
export { readNpy, writeNpy } from "./images/npy.ts";
export { readImage, type ReadImageOptions } from "./images/read-image.ts";
export { readMask, type ReadMaskOptions } from "./images/read-mask.ts";
export { writePng } from "./images/write-image.ts";
export { writeLabelPng, writeMaskPng } from "./images/write-mask.ts";
export { writeResults, type AttackReport } from "./report/write-results.ts";
