import { checkLabelMap, kindOf } from "../check-array.ts";
import { refusal } from "../errors.ts";
import { ignored, sameSize, type LabelMap } from "../image.ts";

/** Pixel counts by [target class][predicted class]; ignored pixels do not count. */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * Counts pixels by target and predicted class.
 *
 * @throws AsmaError `ERR_TARGET_SIZE` when the two have different dims; `ERR_TARGET_CLASS` for a label that is
 *   no class and not {@link ignored}; `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE`
 *   for what is no label map; `ERR_CLASSES` for a number of classes that is none
 */
export function confusionMatrix(
  prediction: LabelMap,
  target: LabelMap,
  classes: number,
): ConfusionMatrix {
  checkLabelMap(prediction, "the prediction");
  checkLabelMap(target, "the target");
  if (!Number.isSafeInteger(classes) || classes < 1) {
    throw refusal("ERR_CLASSES", {
      expected: "a whole number of classes from 1 on",
      found: `found ${String(classes)}`,
    });
  }
  if (!sameSize(prediction.dims, target.dims)) {
    throw refusal("ERR_TARGET_SIZE", {
      expected: "prediction and target of equal size",
      found: `found ${prediction.dims.join("×")} and ${target.dims.join("×")}`,
    });
  }
  const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  target.data.forEach((t, i) => {
    if (t === ignored) {
      return;
    }
    const p = prediction.data[i] as number;
    const row = matrix[t];
    if (row?.[p] === undefined) {
      throw refusal("ERR_TARGET_CLASS", {
        expected: `labels from 0 to ${classes - 1}, or ${ignored} for pixels that do not count,`,
        found: `the ${row === undefined ? "target" : "prediction"} holds ${row === undefined ? t : p}`,
        wayOut: "say which value is which class",
      });
    }
    row[p] += 1;
  });
  return matrix;
}

/** @throws AsmaError `ERR_CLASSES` for what is not square, or holds no numbers */
export function checkConfusionMatrix(matrix: ConfusionMatrix): void {
  const isSquare =
    Array.isArray(matrix) &&
    matrix.length > 0 &&
    matrix.every(
      (row) => Array.isArray(row) && row.length === matrix.length && row.every((n) => n >= 0),
    );
  if (!isSquare) {
    throw refusal("ERR_CLASSES", {
      expected: "a confusion matrix with a row and a column for each class",
      found: `found ${Array.isArray(matrix) ? `${matrix.length} rows of other lengths, or of no counts` : kindOf(matrix)}`,
      wayOut: "make it with confusionMatrix",
    });
  }
}

/** @throws AsmaError `ERR_TARGET_EMPTY` when no pixel counts */
export function checkCounted(matrix: ConfusionMatrix): void {
  if (matrix.every((row) => row.every((count) => count === 0))) {
    throw refusal("ERR_TARGET_EMPTY", {
      expected: "a target with pixels that count",
      found: "all of its pixels are ignored",
      wayOut: "leave `ignoreLabel` out, or choose another target",
    });
  }
}
