import type { OptionKey } from "./option.ts";

/** One thing that was decided about a model, why, and what decides otherwise. */
export interface Decision {
  /** What was decided on. */
  readonly what: string;
  /** What it was decided to be. */
  readonly is: string;
  /** Why. */
  readonly because: string;
  /** The options that decide otherwise; none where only another model does. */
  readonly options: readonly OptionKey[];
  /** Whether it rests on nothing that the model says: a guess that the options settle. */
  readonly isUnsure?: boolean;
  /** What decides otherwise in words, options in backticks, where their names do not say it. */
  readonly wayOut?: string;
}
