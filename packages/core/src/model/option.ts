import type { LoadOptions, TrainingGraphOptions } from "./model-options.ts";

/** What an option of a model is called, from {@link LoadOptions} on. */
export type OptionKey =
  | Exclude<keyof LoadOptions, "sessionOptions">
  | `trainingGraph.${keyof TrainingGraphOptions}`;

/**
 * An option as texts name it, in backticks; each host says it in its own words (`sayOptions`).
 *
 * @param value a value to name with it, `undefined` for none
 */
export function option(key: OptionKey, value?: unknown): string {
  return value === undefined ? `\`${key}\`` : `\`${key}: ${JSON.stringify(value)}\``;
}
