import { refusal } from "../errors.ts";
import { holds, type Thresholds } from "./thresholds.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import { checkCounted, confusionMatrix } from "./confusion-matrix.ts";
import { absentPixels, iou, type IouDefinition } from "./iou.ts";
import { perturbationNorms } from "./perturbation-norms.ts";
import { pixelAccuracy } from "./pixel-accuracy.ts";

/** IoU, pixel accuracy and norms of one form of the adversarial image under the untouched model. */
export interface Verdict {
  /** IoU with the target, in [0, 1], by the definition that the result names. */
  readonly iou: number;
  /** Share of the counted pixels that have the target's label, in [0, 1]. */
  readonly pixelAccuracy: number;
  /** Counted pixels that are not as the goal wants them. */
  readonly wrongPixels: number;
  /** Sum of the changes of all values, image values in [0, 1]. */
  readonly l1: number;
  /** Root of the sum of their squares. */
  readonly l2: number;
  /** Largest change of a value. */
  readonly linf: number;
  /** Values that changed at all. */
  readonly l0: number;
  /** Root mean square of the perturbation. */
  readonly rms: number;
  /** Whether both thresholds hold. */
  readonly reached: boolean;
}

/** What {@link judge} compares. */
export interface JudgeInput {
  /** What the untouched model predicts for `image`. */
  readonly prediction: LabelMap;
  readonly target: LabelMap;
  readonly image: ImageTensor;
  readonly original: ImageTensor;
  readonly classes: number;
  readonly iouDefinition: IouDefinition;
  /** What the untouched model predicts for `original`: needed for the definition `erased`. */
  readonly before?: LabelMap | undefined;
  /** Whether the labels are to be reached, or (false) to be left. @default true */
  readonly targeted?: boolean;
  /** What counts as reached, each in [0, 1]. */
  readonly thresholds: Thresholds;
}

/**
 * Judges an adversarial image by what the untouched model predicts for it.
 *
 * @throws AsmaError `ERR_TARGET_EMPTY` where no pixel counts; `ERR_TARGET_SIZE`, `ERR_IMAGE_DIMS` when dims differ; as {@link confusionMatrix}, {@link iou}
 *   and {@link perturbationNorms} do for what is none; `ERR_JUDGE` for thresholds that are no numbers in [0, 1]
 */
export function judge(input: JudgeInput): Verdict {
  const { prediction, target, classes, thresholds, before, targeted = true } = input;
  for (const name of ["iou", "pixelAccuracy"] as const) {
    const threshold: unknown = thresholds?.[name];
    if (!(typeof threshold === "number" && threshold >= 0 && threshold <= 1)) {
      throw refusal("ERR_JUDGE", {
        expected: `a number in [0, 1] for the threshold of ${name}`,
        found: `found ${String(threshold)}`,
      });
    }
  }
  const matrix = confusionMatrix(prediction, target, classes);
  checkCounted(matrix);
  const { l1, l2, linf, rms, changed } = perturbationNorms(input.image, input.original);
  const absentBefore = before && absentPixels(confusionMatrix(before, target, classes));
  const agreement = {
    iou: iou(matrix, input.iouDefinition, absentBefore),
    pixelAccuracy: pixelAccuracy(matrix),
  };
  const counted = matrix.flat().reduce((sum, n) => sum + n, 0);
  const right = matrix.reduce((sum, row, c) => sum + (row[c] as number), 0);
  return {
    ...agreement,
    wrongPixels: targeted ? counted - right : right,
    l1,
    l2,
    linf,
    l0: changed,
    rms,
    reached: holds(agreement, { thresholds, targeted }),
  };
}
