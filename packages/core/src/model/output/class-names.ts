import { refusal } from "../../errors.ts";
import type { HeadOnOutputGrid } from "./output-head.ts";

/**
 * The names of the labels. Of one channel among independent ones, label 1 has its name.
 *
 * @param given one name per class, or per channel where channels are independent
 * @throws AsmaError `ERR_CLASSES` for another number of names
 */
export function classNamesFor(
  { classes, channels, channel, queries }: HeadOnOutputGrid,
  given: readonly string[] | undefined,
): string[] {
  const isOneOfMany = channel !== undefined && (channels > 1 || queries !== undefined);
  const expected = isOneOfMany ? channels : classes;
  if (given !== undefined && given.length !== expected) {
    throw refusal("ERR_CLASSES", {
      expected: `${expected} class names, one per ${isOneOfMany ? "channel" : "class"} of the output`,
      found: `found ${given.length} (${given.join(", ")})`,
      wayOut: "name each once, in their order",
    });
  }
  if (isOneOfMany) {
    const name = given?.[channel] ?? `class ${channel}`;
    return [`not ${name}`, name];
  }
  return given === undefined ? Array.from({ length: classes }, (_, c) => `class ${c}`) : [...given];
}
