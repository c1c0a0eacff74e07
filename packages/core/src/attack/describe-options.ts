/**
 * Options of attacks as hosts make flags, forms and tables of them.
 *
 * @module
 */
import * as v from "valibot";
import { descriptionOf, unwrapped, type OptionEntries, type SchemaPiece } from "./option-schema.ts";

/** One option as hosts need it to make flags, forms and tables. */
export interface OptionDescription {
  readonly key: string;
  readonly kind: "number" | "boolean" | "choice" | "numbers";
  readonly description: string;
  /** `undefined` where the attack decides. */
  readonly default: unknown;
  /** Of kind `numbers`: whether each is a class of the model. */
  readonly areClasses?: boolean;
  /** Of kind `choice`. */
  readonly choices?: readonly string[];
  /** Of kind `number`: bounds, where there are any. */
  readonly min?: number;
  readonly max?: number;
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

/** What marks the schema of a list of classes. */
function isOfClasses({ metadata }: SchemaPiece): boolean {
  return metadata?.["areClasses"] === true;
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
      return { kind: "numbers", areClasses: pipe.some(isOfClasses) };
    default:
      return { kind: "number", min: bound("min_value", "gt_value"), max: bound("max_value") };
  }
}
