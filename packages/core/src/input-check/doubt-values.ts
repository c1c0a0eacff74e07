import type { Preprocessing } from "../model/input/preprocessing.ts";
import { option } from "../model/option.ts";

/** Says of mean and deviation that are those of values up to 255 where white is 1; `undefined` of others. */
export function doubtValues({
  range,
  mean,
  std,
}: Pick<Preprocessing, "range" | "mean" | "std">): string | undefined {
  const isUnit = range.every((value) => Math.abs(value) <= 1);
  const [key, large] = [mean, std].map((list) => list.some((n) => Math.abs(n) > 1)).includes(true)
    ? mean.some((n) => Math.abs(n) > 1)
      ? (["mean", mean] as const)
      : (["std", std] as const)
    : [];
  return isUnit && key !== undefined
    ? `${option(key)} is ${large.join(", ")}, but white is ${range[1]} for the model: such numbers are made for values up to 255. Say ${option("range", [0, 255])}, or give them divided by 255.`
    : undefined;
}
