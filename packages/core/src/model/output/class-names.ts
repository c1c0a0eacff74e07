import { AsmaError } from "../../errors.ts";
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
    throw new AsmaError(
      "ERR_CLASSES",
      `Expected ${expected} class names, one per ${isOneOfMany ? "channel" : "class"} of the output, but found ${given.length}: ${given.join(", ")}.`,
    );
  }
  if (isOneOfMany) {
    const name = given?.[channel] ?? `class ${channel}`;
    return [`not ${name}`, name];
  }
  return given === undefined ? Array.from({ length: classes }, (_, c) => `class ${c}`) : [...given];
}
