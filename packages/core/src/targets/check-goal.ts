import { checkLabelMap } from "../check-array.ts";
import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import { absentPixels, defaultIouDefinition, iou, type IouDefinition } from "../metrics/iou.ts";
import { checkCounted, confusionMatrix } from "../metrics/confusion-matrix.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";
import { holds } from "../metrics/thresholds.ts";
import type { ModelDescription } from "../model/model-description.ts";
import { fitTarget } from "./fit-target.ts";

/** What {@link checkGoal} decides by. */
export interface GoalCheck {
  /** What the untouched model draws on the untouched image. */
  readonly prediction: LabelMap;
  /** Of the output grid's size or the image's, −1 ignored. */
  readonly target: LabelMap;
  readonly description: Pick<ModelDescription, "head" | "grid" | "preprocessing">;
  /** Options of the run, as `parseChoice` gives them. */
  readonly run: {
    readonly iouThreshold: number;
    readonly pixelAccuracyThreshold: number;
    readonly iouDefinition: IouDefinition | undefined;
  };
}

/**
 * Checks that there is something to attack: a target that the untouched image reaches already would be a
 * success of nothing.
 *
 * @throws AsmaError `ERR_OPTION` where something is missing; `ERR_TARGET_REACHED`; `ERR_TARGET_EMPTY` where no pixel counts; as {@link fitTarget},
 *   {@link confusionMatrix} and {@link iou} do for what is none
 */
export function checkGoal(check: GoalCheck): void {
  const { prediction, target, description, run } = check ?? {};
  checkLabelMap(prediction, "the prediction");
  if (typeof description?.head !== "object" || typeof run?.iouThreshold !== "number") {
    throw refusal("ERR_OPTION", {
      expected: "`description` as describe gives it, and `run` as parseChoice does,",
      found: "one of them is missing",
    });
  }
  const { classes } = description.head;
  const labels = fitTarget(target, description);
  const matrix = confusionMatrix(prediction, labels, classes);
  checkCounted(matrix);
  const definition = run.iouDefinition ?? defaultIouDefinition(classes, labels);
  const agreement = {
    iou: iou(matrix, definition, absentPixels(matrix)),
    pixelAccuracy: pixelAccuracy(matrix),
  };
  const thresholds = { iou: run.iouThreshold, pixelAccuracy: run.pixelAccuracyThreshold };
  if (holds(agreement, { thresholds, targeted: true })) {
    const found = `IoU (${definition}) ${agreement.iou.toFixed(4)}, pixel accuracy ${agreement.pixelAccuracy.toFixed(4)}`;
    throw refusal("ERR_TARGET_REACHED", {
      expected: "a target that the model does not draw yet",
      found: `the untouched image reaches it already (${found}; wanted are ${thresholds.iou} and ${thresholds.pixelAccuracy})`,
      wayOut: "choose another target, or raise `iouThreshold`",
      details: { ...agreement, iouDefinition: definition, thresholds },
    });
  }
}
