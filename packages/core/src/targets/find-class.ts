import { refusal } from "../errors.ts";
import { nearestFirst } from "../nearest-first.ts";

/** As many names are listed. */
const mostListed = 20;

/**
 * The number of one of the model's classes.
 *
 * @param wanted its number or name
 * @param classNames as `describe` gives them
 * @param asker what asks for it, in messages: a flag or a field
 * @throws AsmaError `ERR_TARGET_CLASS` with those that there are, those of like names first
 */
export function findClass(
  wanted: number | string,
  classNames: readonly string[],
  asker?: string,
): number {
  const isNumber = typeof wanted === "number";
  const label = isNumber ? wanted : classNames.indexOf(wanted);
  const isOne = isNumber || classNames.lastIndexOf(wanted) === label;
  if (Number.isInteger(label) && label >= 0 && label < classNames.length && isOne) {
    return label;
  }
  const order = isNumber ? classNames : nearestFirst(wanted, [...new Set(classNames)]);
  const numbersOf = (name: string) =>
    classNames.flatMap((other, c) => (other === name ? [c] : [])).join(" and ");
  const listed = order
    .slice(0, mostListed)
    .map((name, c) => `'${name}' (${isNumber ? c : numbersOf(name)})`);
  const rest = order.length - listed.length;
  const found = isNumber ? String(wanted) : `'${wanted}'`;
  throw refusal("ERR_TARGET_CLASS", {
    expected: `one of the model's ${classNames.length} classes, ${listed.join(", ")}${rest > 0 ? ` and ${rest} more` : ""},`,
    found: isOne
      ? `${asker === undefined ? "found" : `${asker} asks for`} ${found}`
      : `several are called ${found}`,
    wayOut: "name one of them by its name or number",
    details: { class: wanted, classNames },
  });
}
