/**
 * What lies beside a model in repositories: preprocessing as Hugging Face's `preprocessor_config.json` says it, and
 * names of classes. An entry of its own, since many applications need none.
 *
 * @module
 */
export { classListOf, readModelConfig, type ModelConfig } from "./class-list.ts";
export { foreignContent } from "./foreign-content.ts";
export { parsePreprocessor } from "./parse-preprocessor.ts";
