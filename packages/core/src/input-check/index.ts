/**
 * Doubts about whether a model sees images as it was trained to; an entry of its own.
 *
 * @module
 */
export { doubtInput } from "./doubt-input.ts";
export { doubtValues } from "./doubt-values.ts";
