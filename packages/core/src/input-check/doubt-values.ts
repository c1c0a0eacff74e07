import type { Preprocessing } from "../model/input/preprocessing.ts";
import { option } from "../model/option.ts";

/** Says of mean and deviation that are those of values up to 255 where white is 1; `undefined` of others. */
export function doubtValues({
  range,
  mean,
  std,
}: Pick<Preprocessing, "range" | "mean" | "std">): string | undefined {
  const isLarge = (n: number) => Math.abs(n) > 1;
  const key = mean.some(isLarge) ? "mean" : std.some(isLarge) ? "std" : undefined;
  return key === undefined || range.some(isLarge)
    ? undefined
    : `${option(key)} is ${{ mean, std }[key].join(", ")}, but white is ${range[1]} for the model: such numbers are made for values up to 255. Say ${option("range", [0, 255])}, or give them divided by 255.`;
}
