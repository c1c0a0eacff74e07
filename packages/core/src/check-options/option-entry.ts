import * as v from "valibot";

const kinds = {
  anything: v.any(),
  "whole number": v.pipe(v.number(), v.integer()),
  "true or false": v.boolean(),
  text: v.string(),
  path: v.union([v.string(), v.literal(false), v.looseObject({})]),
} as const;

/**
 * The schema of an option that may be left out.
 *
 * @param kind what it may be: one of these kinds, or of a list of words
 * @param text what it is for, in messages
 */
export function optionEntry(
  kind: keyof typeof kinds | readonly string[],
  text: string,
): v.GenericSchema {
  const schema = typeof kind === "string" ? kinds[kind] : v.picklist(kind);
  return v.optional(v.pipe(schema as v.GenericSchema, v.description(text)));
}
