import { refusal } from "../errors.ts";
import { ignored, type LabelMap } from "../image.ts";
import { checkConfusionMatrix, type ConfusionMatrix } from "./confusion-matrix.ts";

/**
 * Which measure of agreement is meant, all in [0, 1].
 *
 * - `foreground`: |P₁ ∩ Y₁| / |P₁ ∪ Y₁| of class 1, the paper's for two classes; 1 when prediction
 *   and target are both empty, 0 when only one is.
 * - `mean-target`: mean over the classes that the target contains; a stray pixel of another class
 *   counts as missing where the target has it.
 * - `erased`: the share of pixels, of classes that the target does not contain, that are gone since the
 *   untouched image; for targets that only take something away, whose IoU says nothing until the end.
 * - `mean-present`: mean over the classes that target or prediction contain.
 * - `mean-all`: mean over all classes, Σ I/(U + 1e-6) / K, absent ones counted 0, as adv_lib does.
 */
export const iouDefinitions = [
  "foreground",
  "mean-target",
  "erased",
  "mean-present",
  "mean-all",
] as const;

/** One of {@link iouDefinitions}. */
export type IouDefinition = (typeof iouDefinitions)[number];

/**
 * The definition used unless another is asked for: `erased` for a target of background alone, else the
 * paper's for two classes, else `mean-target`.
 */
export function defaultIouDefinition(classes: number, target: LabelMap): IouDefinition {
  if (target.data.every((label) => label === 0 || label === ignored)) {
    return "erased";
  }
  return classes === 2 ? "foreground" : "mean-target";
}

/** Target, predicted and common pixels of each class. */
function countsOf(matrix: ConfusionMatrix) {
  return matrix.map((row, c) => {
    const intersection = row[c] as number;
    const target = row.reduce((sum, n) => sum + n, 0);
    const predicted = matrix.reduce((sum, r) => sum + (r[c] as number), 0);
    return { target, predicted, intersection, union: target + predicted - intersection };
  });
}

/** Scored pixels that are predicted as a class which the target does not contain. */
export function absentPixels(matrix: ConfusionMatrix): number {
  return countsOf(matrix).reduce((sum, c) => sum + (c.target === 0 ? c.predicted : 0), 0);
}

/**
 * Agreement of prediction and target in [0, 1] by the definition named.
 *
 * @param absentBefore for `erased`: {@link absentPixels} of the untouched image
 * @throws AsmaError `ERR_IOU_DEFINITION` for another name, and for `foreground` without a class 1;
 *   `ERR_CLASSES` for what is no confusion matrix
 */
export function iou(matrix: ConfusionMatrix, definition: IouDefinition, absentBefore = 0): number {
  checkConfusionMatrix(matrix);
  checkDefinition(definition, matrix.length);
  const classes = countsOf(matrix);
  const mean = (list: readonly number[]) =>
    list.length === 0 ? 1 : list.reduce((sum, n) => sum + n, 0) / list.length;
  switch (definition) {
    case "foreground": {
      const { intersection, union } = classes[1] as (typeof classes)[number];
      return union === 0 ? 1 : intersection / union;
    }
    case "mean-target":
      return mean(classes.filter((c) => c.target > 0).map((c) => c.intersection / c.union));
    case "erased": {
      const absent = absentPixels(matrix);
      return absentBefore === 0 ? Number(absent === 0) : Math.max(0, 1 - absent / absentBefore);
    }
    case "mean-present":
      return mean(classes.filter((c) => c.union > 0).map((c) => c.intersection / c.union));
    case "mean-all":
      return (
        classes.reduce((sum, c) => sum + c.intersection / (c.union + 1e-6), 0) / classes.length
      );
  }
}

function checkDefinition(definition: IouDefinition, classes: number): void {
  const isKnown = iouDefinitions.includes(definition);
  if (!isKnown || (definition === "foreground" && classes < 2)) {
    throw refusal("ERR_IOU_DEFINITION", {
      expected: `an IoU definition among ${iouDefinitions.join(", ")}`,
      found: isKnown
        ? `'foreground' is of class 1, and there is none`
        : `found ${String(definition)}`,
      wayOut: "take 'mean-present'",
    });
  }
}
