import { InvalidArgumentError } from "commander";

/** A finite number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new InvalidArgumentError(`Expected a number but received '${text}'.`);
  }
  return value;
}

/** An integer. */
export function integer(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value)) {
    throw new InvalidArgumentError(`Expected an integer but received '${text}'.`);
  }
  return value;
}

/** A number greater than 0. */
export function positive(text: string): number {
  const value = number(text);
  if (value <= 0) {
    throw new InvalidArgumentError(`Expected a number greater than 0 but received '${text}'.`);
  }
  return value;
}

/** A number from 0 on, up to 1 for shares. */
export function nonNegative(max = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = number(text);
    if (value < 0 || value > max) {
      const range =
        max === Number.POSITIVE_INFINITY
          ? "of at least 0"
          : `from 0 to ${max}${max === 1 ? " (0.95 for 95 %)" : ""}`;
      throw new InvalidArgumentError(`Expected a number ${range} but received '${text}'.`);
    }
    return value;
  };
}

/** An integer of at least `min`. */
export function integerFrom(min: number): (text: string) => number {
  return (text) => {
    const value = integer(text);
    if (value < min) {
      throw new InvalidArgumentError(
        `Expected an integer of at least ${min} but received '${text}'.`,
      );
    }
    return value;
  };
}

/** Comma-separated numbers, `count` of them if given. */
export function numbers(count?: number): (text: string) => number[] {
  return (text) => {
    const values = text.split(",").map(number);
    if (count !== undefined && values.length !== count) {
      throw new InvalidArgumentError(
        `Expected ${count} numbers separated by commas but received '${text}'.`,
      );
    }
    return values;
  };
}

/** Comma-separated numbers, or one of the names. */
export function numbersOrName<Name extends string>(
  names: readonly Name[],
): (text: string) => number[] | Name {
  return (text) => {
    const name = names.find((each) => each === text.trim().toLowerCase());
    if (name === undefined && !text.includes(",") && Number.isNaN(Number(text))) {
      throw new InvalidArgumentError(
        `Expected numbers separated by commas, or one of ${names.join(", ")}, but received '${text}'.`,
      );
    }
    return name ?? numbers()(text);
  };
}

/** Comma-separated words. */
export function words(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

/** `name=1,3,64,64`, repeatable. */
export function shape(
  text: string,
  previous: Record<string, number[]> = {},
): Record<string, number[]> {
  const at = text.lastIndexOf("=");
  const dims =
    at > 0
      ? text
          .slice(at + 1)
          .split(",")
          .map(Number)
      : [];
  if (dims.length === 0 || dims.some((d) => !Number.isInteger(d) || d < 1)) {
    throw new InvalidArgumentError(
      `Expected NAME=D1,D2,… with positive integers but received '${text}'.`,
    );
  }
  return added(previous, text.slice(0, at), dims);
}

/** `name=0.5` or `name=file.npy`, repeatable. */
export function feed(
  text: string,
  previous: Record<string, number | string> = {},
): Record<string, number | string> {
  const at = text.lastIndexOf("=");
  const value = text.slice(at + 1).trim();
  const isNumber = value !== "" && Number.isFinite(Number(value));
  if (at <= 0 || !(isNumber || value.endsWith(".npy"))) {
    throw new InvalidArgumentError(`Expected NAME=NUMBER or NAME=FILE.npy but received '${text}'.`);
  }
  return added(previous, text.slice(0, at), isNumber ? Number(value) : value);
}

/** One more entry of a flag that is repeated for other names. */
function added<T>(previous: Record<string, T>, name: string, value: T): Record<string, T> {
  if (Object.hasOwn(previous, name)) {
    throw new InvalidArgumentError(`Expected each name once but received '${name}' twice.`);
  }
  return { ...previous, [name]: value };
}

/** `0=0,255=circle`, `#ff0000=1`, `transparent=0`, or `*=ignore` for every other value. */
export function classMap(text: string): Record<string, number | string> {
  const entries = text.split(",").map((entry) => {
    const [value = "", label = "", ...rest] = entry.split("=").map((part) => part.trim());
    if (
      rest.length > 0 ||
      label === "" ||
      !/^(-?\d+|#[0-9a-fA-F]{6}|\*|transparent)$/.test(value)
    ) {
      throw new InvalidArgumentError(
        `Expected VALUE=CLASS, where VALUE is a number, a colour such as #ff0000, transparent or *, but received '${entry}'.`,
      );
    }
    return [value, Number.isNaN(Number(label)) ? label : integer(label)] as const;
  });
  const values = entries.map(([value]) => value.toLowerCase());
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) {
    throw new InvalidArgumentError(`Expected each value once but received '${twice}' twice.`);
  }
  return Object.fromEntries(entries);
}

/** One number for all sides, or one for each: four, of volumes six. */
export function padding(text: string): number | number[] {
  const values = text.split(",").map(integerFrom(0));
  const [all] = values;
  if (all !== undefined && values.length === 1) {
    return all;
  }
  if (values.length === 4 || values.length === 6) {
    return values;
  }
  throw new InvalidArgumentError(
    `Expected one number of pixels or four (top,left,bottom,right), of volumes six, but received '${text}'.`,
  );
}

/** `height,width`, or `depth,height,width`. */
export function sizes(text: string): number[] {
  const values = text.split(",").map(integerFrom(1));
  if (values.length !== 2 && values.length !== 3) {
    throw new InvalidArgumentError(
      `Expected height,width or depth,height,width but received '${text}'.`,
    );
  }
  return values;
}

/** A list of numbers of one of these lengths. */
export function numbersOf(...counts: readonly number[]): (text: string) => number[] {
  return (text) => {
    const values = numbers()(text);
    if (!counts.includes(values.length)) {
      throw new InvalidArgumentError(
        `Expected ${counts.join(" or ")} numbers separated by commas but received '${text}'.`,
      );
    }
    return values;
  };
}

/** An index, or a name. */
export function classIndexOrName(text: string): number | string {
  return /^\d+$/.test(text.trim()) ? Number(text) : text;
}

/** A class by its number or its name. */
export function classNumberOrName(text: string): number | string {
  return Number.isNaN(Number(text)) ? text.trim() : integerFrom(0)(text);
}

/** As {@link classNumberOrName}, but for class 0. */
export function hiddenClass(text: string): number | string {
  const wanted = classNumberOrName(text);
  if (wanted === 0) {
    throw new InvalidArgumentError(
      `Expected a class from 1 on (class 0 takes the place of what is hidden) but received '${text}'.`,
    );
  }
  return wanted;
}

/** A class, or `none`. */
export function voidClass(text: string): number | "none" {
  return text === "none" ? text : integerFrom(0)(text);
}
