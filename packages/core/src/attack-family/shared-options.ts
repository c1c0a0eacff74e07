import * as v from "valibot";
import { distances, type DistanceName } from "../distance/index.ts";
import { losses, type LossName } from "../loss/index.ts";

/** The ball that attacks with a budget stay in. */
export const ball = {
  norm: v.optional(
    v.pipe(
      v.picklist(Object.keys(distances) as DistanceName[]),
      v.description("norm of the budget: the largest change of a value (linf), or Euclidean (l2)"),
    ),
    "linf",
  ),
  epsilon: v.optional(
    v.pipe(
      v.number(),
      v.gtValue(0),
      v.finite(),
      v.description("budget: largest norm of the change, image values in [0, 1]"),
    ),
    8 / 255,
  ),
} as const;

/** The loss of attacks that are not tied to one. */
export const lossName = v.optional(
  v.pipe(
    v.picklist(Object.keys(losses) as LossName[]),
    v.description(
      "what is ascended: mean cross-entropy, or mean margin of the pixels that are not there yet",
    ),
  ),
  "cross-entropy",
);

/** A constant step size that follows from the budget where it is not given. */
export const alpha = (rule: string) =>
  v.optional(
    v.pipe(
      v.number(),
      v.gtValue(0),
      v.finite(),
      v.description(`step size in the norm of the budget (default: ${rule})`),
    ),
  );
