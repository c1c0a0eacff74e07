import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";

/**
 * Σ_i mask_i · g(x)_{Y_i, i}: the raw scores of the target classes. With c.wrong as mask it is the
 * adaptive loss of ASMA, with c.counted the static one.
 *
 * @param mask [N, 1, …grid]
 * @see arXiv 1907.13124, equations 1 and 2
 */
export function targetScores({ ops, scores, targetOneHot }: StepContext, mask: Value): Term[] {
  return [{ value: scores, weight: ops.mul(targetOneHot, mask) }];
}
