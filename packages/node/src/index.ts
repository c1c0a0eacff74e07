/**
 * The Adaptive Segmentation Mask Attack in Node.
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
  type ImageInput,
  type TargetInput,
} from "./create-attack.ts";
export { readModelFile } from "./read-model-file.ts";
export { findPreprocessor, readPreprocessor } from "./read-preprocessor.ts";
export { toNdarray, fromNdarray, type NdarrayLike } from "./images/ndarray.ts";
export { readNpy, writeNpy } from "./images/npy.ts";
export { readImage, type ReadImageOptions } from "./images/read-image.ts";
export { readMask, type ReadMaskOptions } from "./images/read-mask.ts";
export { writePng } from "./images/write-image.ts";
export { writeLabelPng, writeMaskPng } from "./images/write-mask.ts";
export { writeResults, type AttackReport, type ResultRecord } from "./report/write-results.ts";
