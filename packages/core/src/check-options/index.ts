/**
 * What options of models may be, for hosts whose callers may have no types; an entry of its own.
 *
 * @module
 */
export { checkOptions } from "./check-options.ts";
export { modelOptionEntries } from "./model-option-entries.ts";
export { optionEntry } from "./option-entry.ts";
export { verifyOptionEntries } from "./verify-option-entries.ts";
