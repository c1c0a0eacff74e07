import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { pixelCrossEntropy } from "./pixel-cross-entropy.ts";

/**
 * Cross-entropy with the same weight for all classes, however few pixels they have:
 *
 *     L = (1/C)·Σ_i mask_i·CE_i/N_{Y_i}
 *
 * where N_c counts the scored pixels of this image that have the label c, and C the classes that have any;
 * with the sign that brings the goal nearer when it is ascended. With c.wrong as mask it is the balanced
 * masked cross-entropy (whose authors count over a training set, which is not at hand here), with c.counted
 * what progress can be judged by.
 *
 * @param mask [N, 1, …grid]
 * @see Croce, Singh, Hein 2024, arXiv 2306.12941, the loss MCE-Bal
 */
export function balancedCrossEntropy(c: StepContext, mask: Value): Term[] {
  const { div, mul, max, min, sum } = c.ops;
  const spatialAxes = c.targetOneHot.dims.map((_, axis) => axis).slice(2);
  const pixels = c.b.reduce("ReduceSum", c.targetOneHot, spatialAxes);
  const classes = sum(min(pixels, 1));
  const share = div(div(1, max(pixels, 1)), max(classes, 1));
  return pixelCrossEntropy(c, mul(mask, share));
}
