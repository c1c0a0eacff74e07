import { option, type OptionKey } from "./option.ts";

/** One thing that was decided about a model, why, and what decides otherwise. */
export interface Decision {
  readonly what: string;
  readonly is: string;
  readonly because: string;
  /** The options that decide otherwise; none where only another model does. */
  readonly options: readonly OptionKey[];
  /** What decides otherwise in words, where the names of the options do not say it. */
  readonly wayOut?: string;
}

/** What decides otherwise, in words, with options in backticks by their keys. */
export function wayOutOf({ options, wayOut }: Decision): string {
  return wayOut ?? options.map((key) => option(key)).join(", ");
}
