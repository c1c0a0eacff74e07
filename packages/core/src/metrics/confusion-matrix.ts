import { AsmaError } from "../errors.ts";
import { ignored, sameSize, type LabelMap } from "../image.ts";

/** Pixel counts by [target class][predicted class]; ignored pixels do not count. */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * Counts pixels by target and predicted class.
 *
 * @throws AsmaError `ERR_TARGET_SIZE` when the two have different dims
 */
export function confusionMatrix(
  prediction: LabelMap,
  target: LabelMap,
  classes: number,
): ConfusionMatrix {
  if (!sameSize(prediction.dims, target.dims)) {
    throw new AsmaError(
      "ERR_TARGET_SIZE",
      `Expected prediction and target of equal size but found ${prediction.dims.join("×")} and ${target.dims.join("×")}.`,
    );
  }
  const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  target.data.forEach((t, i) => {
    const row = matrix[t];
    const p = prediction.data[i] as number;
    if (t !== ignored && row?.[p] !== undefined) {
      row[p] += 1;
    }
  });
  return matrix;
}
