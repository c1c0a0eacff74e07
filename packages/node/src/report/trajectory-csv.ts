import type { TrajectoryStep } from "./trajectory.ts";

/**
 * The trajectory as CSV: a header line, one line per step, numbers in full precision (they read back
 * as the same doubles), nothing for values that are missing or not finite. Lines end in "\n".
 */
export function trajectoryCsv(steps: readonly TrajectoryStep[]): string {
  const lines = steps.map((s) =>
    [s.step, s.alpha, s.iou, s.pixelAccuracy, s.wrongPixels, s.loss, s.l2, s.linf]
      .map(cell)
      .join(","),
  );
  return ["step,alpha,iou,pixel_accuracy,wrong_pixels,loss,l2,linf", ...lines, ""].join("\n");
}

function cell(value: number | undefined): string {
  return value !== undefined && Number.isFinite(value) ? String(value) : "";
}
