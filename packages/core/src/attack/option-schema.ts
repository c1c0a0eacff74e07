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

/** One option as hosts need it to make flags, forms and tables. */
export interface OptionDescription {
  readonly key: string;
  readonly kind: "number" | "boolean" | "choice" | "numbers";
  readonly description: string;
  /** `undefined` where the attack decides. */
  readonly default: unknown;
  /** Of kind `choice`. */
  readonly choices?: readonly string[];
  /** Of kind `number`: bounds, where there are any. */
  readonly min?: number;
  readonly max?: number;
}

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
  throw new AsmaError(
    "ERR_OPTION",
    known
      ? `Expected ${issue.expected} for ${key} of ${owner} but found ${found}: ${descriptionOf(entries[key] as v.GenericSchema)}.`
      : `Expected an option of ${owner} but found '${key}': it has ${Object.keys(entries).join(", ") || "none"}.`,
    { details: { option: key, owner } },
  );
}

/** What hosts need to know of options. */
export function describeOptions(entries: OptionEntries): OptionDescription[] {
  return Object.entries(entries).map(([key, schema]) => ({
    key,
    description: descriptionOf(schema),
    default: v.getDefault(schema as v.OptionalSchema<v.GenericSchema, unknown>),
    ...kindOf(schema),
  }));
}

function descriptionOf(schema: v.GenericSchema): string {
  return v.getDescription(unwrapped(schema)) ?? "";
}

type Piece = v.GenericSchema & {
  readonly wrapped?: v.GenericSchema;
  readonly pipe?: readonly Piece[];
  readonly options?: readonly string[];
  readonly requirement?: unknown;
};

function unwrapped(schema: v.GenericSchema): Piece {
  const { wrapped } = schema as Piece;
  return wrapped === undefined ? (schema as Piece) : unwrapped(wrapped);
}

function kindOf(
  schema: v.GenericSchema,
): Omit<OptionDescription, "key" | "description" | "default"> {
  const piece = unwrapped(schema);
  const pipe = piece.pipe ?? [piece];
  const bound = (...types: readonly string[]) =>
    pipe.find(({ type }) => types.includes(type))?.requirement as number | undefined;
  switch (piece.type) {
    case "boolean":
      return { kind: "boolean" };
    case "picklist":
      return { kind: "choice", choices: pipe[0]?.options ?? [] };
    case "array":
      return { kind: "numbers" };
    default:
      return { kind: "number", min: bound("min_value", "gt_value"), max: bound("max_value") };
  }
}
