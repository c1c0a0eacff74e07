import { checkConfusionMatrix, type ConfusionMatrix } from "./confusion-matrix.ts";

/**
 * Share of the counted pixels whose prediction is the target, in [0, 1]; 1 when none counts.
 *
 * @throws AsmaError `ERR_CLASSES` for what is no confusion matrix
 */
export function pixelAccuracy(matrix: ConfusionMatrix): number {
  checkConfusionMatrix(matrix);
  let right = 0;
  let all = 0;
  matrix.forEach((row, t) => {
    right += row[t] as number;
    all += row.reduce((sum, n) => sum + n, 0);
  });
  return all === 0 ? 1 : right / all;
}
