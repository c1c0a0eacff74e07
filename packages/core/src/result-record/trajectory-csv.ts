import type { StepRecord } from "../attack/step-record.ts";

/** Columns that every attack has. */
const columns: readonly (readonly [string, (s: StepRecord) => number])[] = [
  ["step", (s) => s.step],
  ["iou", (s) => s.iou],
  ["pixel_accuracy", (s) => s.pixelAccuracy],
  ["wrong_pixels", (s) => s.wrongPixels],
  ["loss", (s) => s.loss],
  ["l1", (s) => s.l1],
  ["l2", (s) => s.l2],
  ["linf", (s) => s.linf],
  ["gradient_l2", (s) => s.gradientL2],
];

/** Columns of what the untouched model said where it was asked, empty elsewhere. */
const judgedColumns: readonly (readonly [string, (s: StepRecord) => number | undefined])[] = [
  ["judged_iou", (s) => s.judged?.iou],
  ["judged_pixel_accuracy", (s) => s.judged?.pixelAccuracy],
  ["judged_wrong_pixels", (s) => s.judged?.wrongPixels],
];

/**
 * The trajectory as CSV: a header line, one line per step, numbers in full precision (they read back
 * as the same doubles), nothing for values that are missing or not finite. The attack's own numbers have
 * the names of its logs. Lines end in "\n".
 */
export function trajectoryCsv(steps: readonly StepRecord[]): string {
  const logs = logNames(steps).map((name) => [name, (s: StepRecord) => s.logs[name]] as const);
  const all = [...columns, ...judgedColumns, ...logs];
  const lines = steps.map((step) => all.map(([, value]) => cell(value(step))).join(","));
  return [all.map(([name]) => name).join(","), ...lines, ""].join("\n");
}

/** Names of all logs, in the order in which they come first. */
export function logNames(steps: readonly StepRecord[]): string[] {
  return [...new Set(steps.flatMap(({ logs }) => Object.keys(logs)))];
}

function cell(value: number | undefined): string {
  return value !== undefined && Number.isFinite(value) ? String(value) : "";
}
