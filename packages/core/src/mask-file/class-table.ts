import { type AsmaError, refusal } from "../errors.ts";
import { ignored } from "../image.ts";
import type { MaskValues } from "./mask-values.ts";

/** How the values of a mask become classes. */
export interface ClassOptions {
  /** Classes of the model, at least 2. @default as many as labels can be told apart */
  readonly classes?: number;
  /**
   * Class of each value in the file. Keys are grey values or palette indices ("0", "255"), colours
   * ("#ff0000", lower or upper case), "transparent" for pixels of PNG and GIF files that are not to be seen, or "*" for
   * every other value; "ignore" in place of a class is for pixels that do not count, which become −1. A value without
   * an entry is an error.
   */
  readonly classMap?: Readonly<Record<string, number | "ignore">> | undefined;
  /** A value that is kept as it is: pixels that do not count. Where no int32 holds it, it becomes −1. */
  readonly ignoreLabel?: number | undefined;
  /**
   * Grey values above it are class 1, the others class 0, in the file's units (0..255 for 8 bits), labels or
   * not. Indices of a palette count by their colours, which have to be grey.
   */
  readonly threshold?: number | undefined;
}

/** Labels are int32. */
const mostClasses = 2 ** 31;

/**
 * The class of every value that occurs in a mask.
 *
 * @param path names the mask in messages
 * @param found the values that occur, ascending
 * @throws AsmaError ERR_MASK_VALUES, ERR_TARGET_CLASS, ERR_OPTION for a class map that is none, or beside a threshold
 */
export function classTable(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  options: ClassOptions,
): Map<number, number> {
  const { classes = mostClasses, classMap, ignoreLabel, threshold } = options;
  if (!(Number.isSafeInteger(classes) && classes >= 2)) {
    throw refusal("ERR_OPTION", {
      expected: "the number of the model's classes, at least 2, for `classes`",
      found: `found ${String(classes)}`,
    });
  }
  const valid = (label: number): boolean =>
    label === ignoreLabel || (Number.isInteger(label) && label >= 0 && label < classes);
  const kept =
    ignoreLabel === undefined || ignoreLabel === (ignoreLabel | 0) ? ignoreLabel : ignored;
  const tableOf = (f: (value: number) => number): Map<number, number> =>
    new Map(found.map((value) => [value, value === ignoreLabel ? (kept as number) : f(value)]));

  if (classMap) {
    if (threshold !== undefined) throw twoWaysError();
    return mappedTable(path, mask, found, options, valid);
  }
  if (mask.kind === "colour") {
    const wayOut = "say which colour is which class with `classMap`, as in #ff0000=1";
    throw valuesError(path, mask, found, "grey values or palette indices", wayOut);
  }
  if (mask.palette) {
    return tableOf(ofPalette(path, mask, found, options, valid));
  }
  if (threshold !== undefined) {
    if (mask.kind === "grey value") checkThreshold(path, mask, found, threshold, mask.max);
    return tableOf((value) => (value > threshold ? 1 : 0));
  }
  if (found.every(valid)) return tableOf((value) => value);
  const blackAndWhite = found.every(
    (value) => value === 0 || value === mask.max || value === ignoreLabel,
  );
  if (classes === 2 && blackAndWhite) return tableOf((value) => (value === 0 ? 0 : 1));
  if (classes === 2) {
    const wayOut =
      "set a border between background and foreground, as in `threshold: 20`, or use `classMap`";
    throw valuesError(path, mask, found, `the labels 0 and 1, or 0 and ${mask.max}`, wayOut);
  }
  throw firstInvalid(path, found, classes, valid);
}

/**
 * The class of palette indices: the indices themselves, unless the palette is black and white only, or only these
 * are used and the indices are no labels; then white is class 1 of two.
 */
function ofPalette(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  { classes = mostClasses, ignoreLabel, threshold }: ClassOptions,
  valid: (label: number) => boolean,
): (index: number) => number {
  const palette = mask.palette as Uint8Array;
  const counted = found.filter((index) => index !== ignoreLabel);
  const used = counted.map((index) => colourAt(palette, index));
  const areLabels = found.every(valid);
  if (threshold !== undefined && used.every((colour) => colour === (colour & 255) * 0x01_01_01)) {
    checkThreshold(path, mask, found, threshold, 255);
    return (index) => ((colourAt(palette, index) & 255) > threshold ? 1 : 0);
  }
  if (threshold !== undefined && areLabels) {
    const wayOut = "leave it out, or use `classMap`";
    throw valuesError(path, mask, found, "grey values for `threshold`", wayOut);
  }
  const all = Array.from({ length: palette.length / 3 }, (_, index) => colourAt(palette, index));
  const asLooks = (index: number): number => (colourAt(palette, index) === white ? 1 : 0);
  const agree = counted.every((index) => asLooks(index) === index);
  const isWholly = isBlackAndWhite(all) && all.includes(white);
  const isTwofold = classes === 2 && isBlackAndWhite(used) && all.includes(white);
  if ((isWholly && (isTwofold || agree)) || (isTwofold && !areLabels)) return asLooks;
  if (isWholly || (isTwofold && !agree)) {
    const wayOut = "say which is which with `classMap`, as in #000000=0 and #ffffff=1";
    const expected = "indices that say the same as their black and white";
    throw valuesError(path, mask, found, expected, wayOut);
  }
  if (!areLabels) throw firstInvalid(path, found, classes, valid);
  return (index) => index;
}

const white = 0xff_ff_ff;

function isBlackAndWhite(colours: readonly number[]): boolean {
  return colours.every((colour) => colour === 0 || colour === white);
}

function mappedTable(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  { classes = mostClasses, classMap = {}, ignoreLabel }: ClassOptions,
  valid: (label: number) => boolean,
): Map<number, number> {
  const entries = Object.entries(classMap).map(
    ([key, label]) => [key.trim().toLowerCase(), label] as const,
  );
  for (const [key, label] of entries) {
    if (label !== "ignore" && !valid(label)) {
      throw targetClassError(path, label, classes, "correct the class map");
    }
    if (!/^(-?\d+|#[0-9a-f]{6}|\*|transparent)$/.test(key)) throw keyError(key);
  }
  if (mask.kind === "colour" && !ofIgnored(entries, ignoreLabel)) {
    const wayOut = "map the colour that does not count with `classMap`, as in #ffffff=ignore";
    throw valuesError(path, mask, found, `values for \`ignoreLabel: ${ignoreLabel}\``, wayOut);
  }
  const map = new Map(entries.map(([key, label]) => [key, label === "ignore" ? ignored : label]));
  if (map.size < entries.length) throw keyError(entries.map(([key]) => key).join(", "));
  const table = new Map<number, number>();
  for (const value of found) {
    const keys = mask.kind === "colour" ? [colourKey(value)] : [String(value)];
    if (mask.kind === "grey value" && mask.max === 255) keys.push(colourKey(value * 0x01_01_01));
    if (mask.palette) keys.push(colourKey(colourAt(mask.palette, value)));
    const isIgnored = value === ignoreLabel && mask.kind !== "colour";
    const label =
      keys.map((key) => map.get(key)).find((entry) => entry !== undefined) ??
      (isIgnored ? value : map.get("*"));
    if (label === undefined) {
      const missing = `an entry of the class map for each ${mask.kind} (there is none for ${keys.join(" or ")})`;
      throw valuesError(
        path,
        mask,
        found,
        missing,
        "add it to `classMap`, or *=ignore for the rest",
      );
    }
    table.set(value, label);
  }
  return table;
}

/** Whether an ignore label, if there is one, has an effect on colours: an entry leads to it. */
function ofIgnored(
  entries: readonly (readonly [string, number | "ignore"])[],
  ignoreLabel: number | undefined,
): boolean {
  return ignoreLabel === undefined || entries.some(([, label]) => label === ignoreLabel);
}

function colourAt(palette: Uint8Array, index: number): number {
  const [r = 0, g = 0, b = 0] = palette.subarray(3 * index, 3 * index + 3);
  return (r << 16) | (g << 8) | b;
}

/** Refuses a threshold that no grey value of the file could be on both sides of. */
function checkThreshold(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  threshold: number,
  max: number,
): void {
  if (threshold >= 0 && threshold < max) return;
  const expected = `a threshold of at least 0 and less than ${max}, which is white,`;
  const wayOut = `correct \`threshold: ${threshold}\``;
  throw valuesError(path, mask, found, expected, wayOut);
}

function twoWaysError(): AsmaError {
  return refusal("ERR_OPTION", {
    expected: "either `threshold` or `classMap`",
    found: "both are given",
    wayOut: "leave one of them out",
  });
}

function keyError(key: string): AsmaError {
  return refusal("ERR_OPTION", {
    expected: "values (255), colours (#ff0000), transparent or * in `classMap`, each once,",
    found: `found '${key}'`,
  });
}

function firstInvalid(
  path: string,
  found: readonly number[],
  classes: number,
  valid: (label: number) => boolean,
): AsmaError {
  const label = found.find((value) => !valid(value)) as number;
  return targetClassError(path, label, classes, "use `classMap` to say which value is which class");
}

const colourKey = (rgb: number): string => `#${rgb.toString(16).padStart(6, "0")}`;

function valuesError(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  expected: string,
  wayOut: string,
): AsmaError {
  const name = (value: number): string =>
    mask.kind === "colour" ? colourKey(value) : String(value);
  const shown = found.slice(0, 8).map(name).join(", ");
  const list =
    found.length > 8
      ? `${shown}, … ${name(found.at(-1) as number)} (${found.length} values)`
      : shown;
  return refusal("ERR_MASK_VALUES", {
    expected: `${expected} in the mask`,
    found: `'${path}' holds the ${mask.kind === "palette index" ? "palette indices" : `${mask.kind}s`} ${list}`,
    wayOut,
    details: { path, kind: mask.kind, values: found.slice(0, 256).map(name) },
  });
}

function targetClassError(path: string, label: number, classes: number, wayOut: string): AsmaError {
  return refusal("ERR_TARGET_CLASS", {
    expected:
      classes === mostClasses
        ? "classes from 0 on"
        : `classes 0 to ${classes - 1} (the model has ${classes})`,
    found: `'${path}' asks for class ${label}`,
    wayOut: `${wayOut}, or name an ignore label with \`ignoreLabel\``,
    details: { path, class: label, classes },
  });
}
