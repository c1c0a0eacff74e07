import { refusal } from "./errors.ts";
import { countOf, type ImageTensor, type LabelMap } from "./image.ts";

/** What {@link checkArray} expects. */
interface ArrayRequest {
  /** The array in messages, such as "the image". */
  readonly name: string;
  /** Names of the typed arrays that `data` may be. */
  readonly types: readonly string[];
  /** @default any number of axes */
  readonly ranks?: readonly number[];
  /** The dims in words, such as "[1, C, H, W]". */
  readonly dims: string;
}

/**
 * Checks that a value is an array with dims, as callers without types may give anything.
 *
 * @throws AsmaError `ERR_ARRAY_DTYPE` for other data, `ERR_ARRAY_SHAPE` for dims that are none or have
 *   another number of axes
 */
export function checkArray(
  value: unknown,
  { name, types, ranks, dims: words }: ArrayRequest,
): void {
  const { data, dims } = (value ?? {}) as { data?: unknown; dims?: unknown };
  const expected = `${name} as { data: ${types.join(" or ")}, dims: ${words} }`;
  if (typeof value !== "object" || value === null) {
    throw refusal("ERR_ARRAY_DTYPE", { expected, found: `found ${kindOf(value)}` });
  }
  if (!types.includes(kindOf(data))) {
    throw refusal("ERR_ARRAY_DTYPE", { expected, found: `its data is ${kindOf(data)}` });
  }
  const isList = Array.isArray(dims) && dims.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isList || ranks?.includes(dims.length) === false) {
    const found = Array.isArray(dims) ? `[${dims.join(", ")}]` : kindOf(dims);
    throw refusal("ERR_ARRAY_SHAPE", { expected, found: `its dims are ${found}` });
  }
}

/** @throws AsmaError `ERR_ARRAY_SHAPE` when an array does not hold as many values as its dims say */
export function checkCount(
  { data, dims }: { readonly data: ArrayLike<unknown>; readonly dims: readonly number[] },
  name: string,
): void {
  const { length } = data;
  if (countOf(dims) !== length) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `${name} to hold as many values as its dims [${dims.join(", ")}] say`,
      found: `it holds ${length}`,
      details: { dims, length },
    });
  }
}

/** {@link checkArray} for images and volumes. */
export function checkImageTensor(image: ImageTensor, name: string): void {
  checkArray(image, { name, types: ["Float32Array"], ranks: [4, 5], dims: "[1, C, H, W]" });
}

/** {@link checkArray} and {@link checkCount} for labels. */
export function checkLabelMap(labels: LabelMap, name: string): void {
  checkArray(labels, { name, types: ["Int32Array"], ranks: [2, 3], dims: "[H, W]" });
  checkCount(labels, name);
}

/** What a value is: "undefined", "Array", "Float32Array", …; of whichever window it comes. */
export function kindOf(value: unknown): string {
  return value === null || value === undefined
    ? String(value)
    : Object.prototype.toString.call(value).slice(8, -1);
}
