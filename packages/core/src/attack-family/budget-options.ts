import * as v from "valibot";
import type { EffectiveRun, Keeps } from "../attack/attack-definition.ts";
import { usableBudget } from "../distance/budget.ts";
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

/** Where attacks within a budget begin. */
export const randomStart = v.optional(
  v.pipe(v.boolean(), v.description("begin at a random point of the ball")),
  false,
);

/** A budget, as {@link ball} reads it. */
interface Budget {
  readonly norm: DistanceName;
  readonly epsilon: number;
}

/** What all attacks within a budget say of themselves. */
export const withinBudget = {
  canLeave: true,
  keeps: (): Keeps => "strongest",
  norm: (o: Budget) => o.norm,
  budget: (o: Budget) => o.epsilon,
} as const;

/** The step size of attacks without momentum, as a rule for {@link alpha} and as {@link plainSteps} has it. */
export const plainAlpha = alpha("2.5·epsilon over the number of steps, at most epsilon");

/** The budget that the levels can hold, and the step size where none is given. */
export function plainSteps<Options extends Budget & { readonly alpha?: number | undefined }>(
  o: Options,
  { iterations, levels }: EffectiveRun,
): Options {
  const epsilon = usableBudget(o.norm, o.epsilon, levels);
  return { ...o, epsilon, alpha: o.alpha ?? Math.min(1, 2.5 / iterations) * epsilon };
}
