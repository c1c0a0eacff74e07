import { parseOptions, type OptionEntries } from "../attack/option-schema.ts";
import { kindOf } from "../check-array.ts";
import { refusal } from "../errors.ts";

/**
 * Refuses options that do not exist, and values of another kind than they have.
 *
 * @param owner what the options are of, in messages: "loadModel"
 * @throws AsmaError `ERR_OPTION` that names the option
 */
export function checkOptions(entries: OptionEntries, options: unknown, owner: string): void {
  if (kindOf(options) !== "Object") {
    throw refusal("ERR_OPTION", {
      expected: `the options of ${owner} as an object`,
      found: `found ${kindOf(options)}`,
    });
  }
  parseOptions(entries, options as Readonly<Record<string, unknown>>, owner);
}
