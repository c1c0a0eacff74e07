import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { pixelCrossEntropy } from "./pixel-cross-entropy.ts";

/**
 * The mean cross-entropy over the scored pixels, with the sign that brings the goal nearer when it is
 * ascended: −CE towards the labels, +CE away from them.
 */
export function crossEntropy(c: StepContext): Term[] {
  const { div, max } = c.ops;
  return pixelCrossEntropy(c, div(1, max(c.measured.countedPixels, 1)));
}
