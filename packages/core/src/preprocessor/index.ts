/**
 * Preprocessing as Hugging Face's `preprocessor_config.json` says it; an entry of its own, since many
 * applications need none.
 *
 * @module
 */
export { parsePreprocessor } from "./parse-preprocessor.ts";
