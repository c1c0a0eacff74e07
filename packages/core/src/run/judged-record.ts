import type { JudgedRecord } from "../attack/step-record.ts";
import type { Goal } from "../goal/goal.ts";
import type { ConfusionMatrix } from "../metrics/confusion-matrix.ts";
import { iou, type IouDefinition } from "../metrics/iou.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";

/** What the judge's prediction, as a confusion matrix, comes to. */
export function judgedRecordOf(
  matrix: ConfusionMatrix,
  by: {
    readonly goal: Goal;
    readonly targeted: boolean;
    readonly iouDefinition: IouDefinition;
    /** Absent pixels of the untouched image. */
    readonly absentBefore: number;
  },
): JudgedRecord {
  const counted = matrix.flat().reduce((sum, count) => sum + count, 0);
  const right = matrix.reduce((sum, row, c) => sum + (row[c] as number), 0);
  const agreement = {
    iou: iou(matrix, by.iouDefinition, by.absentBefore),
    pixelAccuracy: pixelAccuracy(matrix),
  };
  return {
    ...agreement,
    wrongPixels: by.targeted ? counted - right : right,
    reached: by.goal.holds(agreement),
  };
}
