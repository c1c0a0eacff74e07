import * as v from "valibot";
import { AsmaError } from "../errors.ts";

/** Options of an attack: a valibot schema for each, with its default and a description. */
export type OptionEntries = Readonly<Record<string, v.GenericSchema>>;

/** Options as a caller may give them. */
export type OptionsInput<Entries extends OptionEntries> = v.InferInput<
  v.StrictObjectSchema<Entries, undefined>
>;

/** Options with their defaults filled in. */
export type OptionsOutput<Entries extends OptionEntries> = v.InferOutput<
  v.StrictObjectSchema<Entries, undefined>
>;

/**
 * Reads options by their schemas.
 *
 * @param owner names the attack in messages
 * @throws AsmaError `ERR_OPTION` for an option that does not exist or a value that is out of range
 */
export function parseOptions<Entries extends OptionEntries>(
  entries: Entries,
  options: Readonly<Record<string, unknown>>,
  owner: string,
): OptionsOutput<Entries> {
  const result = v.safeParse(v.strictObject(entries), options);
  if (result.success) {
    return result.output;
  }
  const [issue] = result.issues;
  const key = String(issue.path?.[0]?.key ?? "");
  const known = Object.hasOwn(entries, key);
  const found = issue.received === "undefined" ? "nothing" : issue.received;
  const description = known ? descriptionOf(entries[key] as v.GenericSchema) : "";
  // A requirement without words of its own has null for them, or "unknown".
  const isWordless = issue.expected === null || issue.expected === "unknown";
  const expected = isWordless ? (words[issue.type] ?? description) : issue.expected;
  const rest = expected === description ? "" : `: ${description}`;
  throw new AsmaError(
    "ERR_OPTION",
    known
      ? `Expected ${expected} for \`${key}\` of ${owner} but found ${found}${rest}.`
      : `Expected an option of ${owner} but found '${key}': it has ${Object.keys(entries).join(", ") || "none"}.`,
    { details: { option: key, owner } },
  );
}

const words: Readonly<Record<string, string>> = {
  integer: "a whole number",
  finite: "a finite number",
};

/** What an option is for, as its schema says it. */
export function descriptionOf(schema: v.GenericSchema): string {
  return v.getDescription(unwrapped(schema)) ?? "";
}

/** A schema, a step of its pipe, or the schema in an optional one. */
export type SchemaPiece = v.GenericSchema & {
  readonly wrapped?: v.GenericSchema;
  readonly pipe?: readonly SchemaPiece[];
  readonly options?: readonly string[];
  readonly requirement?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
};

/** The schema of a value that is given. */
export function unwrapped(schema: v.GenericSchema): SchemaPiece {
  const { wrapped } = schema as SchemaPiece;
  return wrapped === undefined ? (schema as SchemaPiece) : unwrapped(wrapped);
}
