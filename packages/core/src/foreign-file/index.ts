/**
 * What a file is that is no ONNX model; an entry of its own, for hosts that read files people bring.
 *
 * @module
 */
export { foreignFile } from "./foreign-file.ts";
export type { KindOfFile } from "./kind-of-file.ts";
export { readModelOrSay } from "./read-model-or-say.ts";
