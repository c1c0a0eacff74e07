import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";

/** Shorter than any scores of use. */
const shortest = 1e-8;

/**
 * The mean over the N scored pixels of the cosine distance between scores and label, with the sign that
 * brings the goal nearer when it is ascended:
 *
 *     L = (1/N)·Σ_i (1 − cos(z_i, e_{Y_i})),   cos(z, e_Y) = z_Y/‖z‖₂
 *
 * in [0, 2]. Of two scores that are each other's negative, as a model with one channel has them, it is a
 * constant, with no gradient.
 *
 * @see Trying Harder Pays Off (ECCV 2024), arXiv 2407.09150, the loss of PAdam-Cos
 */
export function cosine({ b, ops, ...c }: StepContext): Term[] {
  const { sub, mul, div, max, sqrt } = ops;
  const over = (axis1: Parameters<typeof mul>[0]) =>
    b.reduce("ReduceSum", mul(c.scores, axis1), [1]);
  const length = sqrt(max(over(c.scores), shortest ** 2));
  const weight = mul(c.counted, div(-c.direction, max(c.measured.countedPixels, 1)));
  return [{ value: sub(1, div(over(c.targetOneHot), length)), weight }];
}
