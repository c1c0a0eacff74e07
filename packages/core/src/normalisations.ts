/**
 * The usual ways of bringing pixels to what a model was trained on, by name.
 *
 * @module
 */
import { refusal } from "./errors.ts";

/** Values that black and white have for a model, then what is subtracted and what divided by, per channel. */
export interface Normalisation {
  readonly range: readonly [number, number];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** The usual ones. ImageNet's are those of PyTorch's own models: https://pytorch.org/vision/stable/models.html. */
export const normalisations = {
  unit: { range: [0, 1] },
  signed: { range: [-1, 1] },
  bytes: { range: [0, 255] },
  imagenet: { range: [0, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
} as const satisfies Readonly<Record<string, Normalisation>>;

/** The name of one of {@link normalisations}. */
export type NormalisationName = keyof typeof normalisations;

/** Options of which `mean` may be a name. */
export interface NamedValues {
  readonly range?: readonly [number, number] | undefined;
  readonly mean?: readonly number[] | NormalisationName | undefined;
  readonly std?: readonly number[] | undefined;
}

/** Options of which `mean` is no name any more. */
export type WithNumbers<T> = Omit<T, "mean"> & { readonly mean?: readonly number[] };

/**
 * Puts numbers in the place of a name given as `mean`: all of the normalisation, but for a `std` that is given.
 *
 * @throws AsmaError `ERR_OPTION` for a name that is none, and beside a `range`, which the name says already
 */
export function withNumbers<T extends NamedValues>(options: T): WithNumbers<T> {
  const { mean: name, std, range } = options;
  if (typeof name !== "string") {
    return options as WithNumbers<T>;
  }
  const found: Normalisation | undefined = Object.hasOwn(normalisations, name)
    ? normalisations[name]
    : undefined;
  if (found === undefined) {
    throw refusal("ERR_OPTION", {
      expected: `numbers, or one of ${Object.keys(normalisations).join(", ")}, for \`mean\``,
      found: `found '${name}'`,
    });
  }
  if (range !== undefined) {
    throw refusal("ERR_OPTION", {
      expected: `\`mean: "${name}"\` without \`range\`, which it sets to ${found.range.join(", ")},`,
      found: `\`range\` is ${range.join(", ")}`,
      wayOut: "leave it out, or give numbers",
    });
  }
  return { ...options, ...found, mean: found.mean ?? [0], std: std ?? found.std ?? [1] };
}
