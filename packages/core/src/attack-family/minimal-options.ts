import * as v from "valibot";
import { distances, type DistanceName } from "../distance/index.ts";

/** The norm that attacks without a budget make small. */
export const smallNorm = v.optional(
  v.pipe(
    v.picklist(Object.keys(distances) as DistanceName[]),
    v.description(
      "norm that is made small: Euclidean (l2), or the largest change of a value (linf)",
    ),
  ),
  "l2",
);

/** A positive number. */
export const positive = (description: string) =>
  v.pipe(v.number(), v.gtValue(0), v.finite(), v.description(description));

/** A number above 0 and below 1. */
export const share = (description: string) =>
  v.pipe(v.number(), v.gtValue(0), v.ltValue(1), v.description(description));
