import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import { absentPixels, iou, type IouDefinition } from "../metrics/iou.ts";
import { confusionMatrix } from "../metrics/confusion-matrix.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";
import { holds, type Thresholds } from "../metrics/thresholds.ts";

/** What {@link checkGoal} decides by. */
export interface GoalCheck {
  /** What the untouched model draws on the untouched image, on the output grid. */
  readonly prediction: LabelMap;
  /** On the same grid, −1 ignored. */
  readonly target: LabelMap;
  readonly classes: number;
  readonly iouDefinition: IouDefinition;
  readonly thresholds: Thresholds;
}

/**
 * Checks that there is something to attack: a target that the untouched image reaches already would be a
 * success of nothing.
 *
 * @throws AsmaError `ERR_TARGET_REACHED`; `ERR_TARGET_EMPTY` where no pixel counts; as {@link confusionMatrix} and {@link iou} do for what is none
 */
export function checkGoal(check: GoalCheck): void {
  const { prediction, target, classes, iouDefinition, thresholds } = check;
  const matrix = confusionMatrix(prediction, target, classes);
  if (matrix.every((row) => row.every((count) => count === 0))) {
    throw refusal("ERR_TARGET_EMPTY", {
      expected: "a target with pixels that count",
      found: "all of its pixels are ignored",
      wayOut: "leave `ignoreLabel` out, or choose another target",
    });
  }
  const agreement = {
    iou: iou(matrix, iouDefinition, absentPixels(matrix)),
    pixelAccuracy: pixelAccuracy(matrix),
  };
  if (holds(agreement, { thresholds, targeted: true })) {
    const found = `IoU (${iouDefinition}) ${agreement.iou.toFixed(4)}, pixel accuracy ${agreement.pixelAccuracy.toFixed(4)}`;
    throw refusal("ERR_TARGET_REACHED", {
      expected: "a target that the model does not draw yet",
      found: `the untouched image reaches it already (${found}; wanted are ${thresholds.iou} and ${thresholds.pixelAccuracy})`,
      wayOut: "choose another target, or raise `iouThreshold`",
      details: { ...agreement, iouDefinition, thresholds },
    });
  }
}
