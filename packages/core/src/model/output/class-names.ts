import { refusal } from "../../errors.ts";
import type { Decision } from "../decision.ts";
import type { ClassList } from "../model-options.ts";
import type { HeadOnOutputGrid } from "./output-head.ts";

/**
 * The names of the labels. Of one channel among independent ones, label 1 has its name.
 *
 * @param given one name per class, or per channel where channels are independent
 * @param list counts without `given`, where it has as many names
 * @throws AsmaError `ERR_CLASSES` for another number of names
 */
export function classNamesFor(
  { classes, channels, channel, queries }: HeadOnOutputGrid,
  given: readonly string[] | undefined,
  list: ClassList | undefined,
  decisions: Decision[],
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
  const count = list?.names.length;
  const names = given ?? (count === expected ? list?.names : undefined);
  if (list !== undefined && given === undefined) {
    decisions.push({
      what: "class names",
      is: names === undefined ? "none" : `${count}`,
      because: `${list.source}${names === undefined ? ` has ${count}, which is not one for each of ${expected}` : ""}`,
      options: ["classes"],
    });
  }
  if (isOneOfMany) {
    const name = names?.[channel] ?? `class ${channel}`;
    return [`not ${name}`, name];
  }
  return names === undefined ? Array.from({ length: classes }, (_, c) => `class ${c}`) : [...names];
}
