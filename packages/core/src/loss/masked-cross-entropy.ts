import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { pixelCrossEntropy } from "./pixel-cross-entropy.ts";

/**
 * Masked cross-entropy: that of the pixels which are not as the goal wants them, over all N scored ones:
 *
 *     L = (1/N)·Σ_i 1[i is not as wanted]·CE_i
 *
 * with the sign that brings the goal nearer when it is ascended. Pixels that are won drop out, so that it
 * may fall while labels are left more and more: to judge progress by, take the cross-entropy itself.
 *
 * @see Croce, Singh, Hein 2024, arXiv 2306.12941, the loss MCE
 */
export function maskedCrossEntropy(c: StepContext): Term[] {
  const { div, max } = c.ops;
  return pixelCrossEntropy(c, div(c.wrong, max(c.measured.countedPixels, 1)));
}
