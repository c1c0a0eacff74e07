import { AsmaError } from "../errors.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { StepMetrics } from "../step/iterates.ts";
import { option } from "../model/option.ts";

/**
 * The error for a first gradient that cannot be followed: not a number, or zero although pixels are
 * wrong.
 */
export function explainGradient(
  model: SegmentationModel,
  { gradientL2, countedPixels, correctPixels, scoresNotNumbers }: StepMetrics,
  hasRegion: boolean,
): AsmaError {
  const { scores, output } = model.description.head;
  const wrong = countedPixels - correctPixels;
  if (!Number.isFinite(gradientL2) || scoresNotNumbers > 0) {
    return new AsmaError(
      "ERR_GRADIENT_NAN",
      `'${scores}' or its gradient with respect to the image is not a number (${scoresNotNumbers} scores are not). Check that the model gives finite numbers for this image and that the value range (${option("range")}, ${option("mean")}, ${option("std")}) is the one it was trained with.`,
      { details: { scores } },
    );
  }
  const regionHint = hasRegion ? " or the region that may change is one they do not look at" : "";
  const headHint =
    scores === output
      ? `'${scores}' may be a saturated probability, where gradients vanish (name the logits before it with ${option("output")})`
      : `'${scores}' may not depend on the image here (a saturated activation, or the wrong head: choose another with ${option("output")})`;
  return new AsmaError(
    "ERR_GRADIENT_ZERO",
    `The gradient is zero everywhere although ${wrong} of ${countedPixels} pixels are not at their target: ${headHint}${regionHint}. This is no sign of robustness.`,
    { details: { scores, wrongPixels: wrong } },
  );
}

/** Mean log-odds from which probabilities leave hardly a gradient: 1 − p below 1e-4. */
const saturatedLead = 10;

/** A notice where probabilities are saturated at the first step; none otherwise. */
export function explainSaturation(model: SegmentationModel, { leadBefore }: StepMetrics): string[] {
  const [first] = model.description.head.saturation?.passed ?? [];
  return first !== undefined && leadBefore > saturatedLead
    ? [
        `The model's probabilities are saturated: log-odds of ${leadBefore.toPrecision(3)} on average. The attack climbs what stands before ${first.by}.`,
      ]
    : [];
}
