import cliProgress from "cli-progress";
import type { StepRecord } from "@onnx-asma/core";

/** A progress bar on stderr; a line every few seconds where stderr is no terminal. */
export interface Progress {
  update(record: StepRecord): void;
  stop(): void;
}

/** Starts the progress bar of an attack. */
export function startProgress(iterations: number, isQuiet: boolean): Progress {
  if (isQuiet) {
    return { update: () => undefined, stop: () => undefined };
  }
  const bar = new cliProgress.SingleBar({
    format:
      "attack |{bar}| step {value}/{total}  IoU {iou}  accuracy {accuracy}  L2 {l2}  {duration_formatted}",
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 5000,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    linewrap: false,
    // The command handles signals itself; the bar would swallow the first SIGTERM.
    gracefulExit: false,
  });
  bar.start(iterations, 0, { iou: "–", accuracy: "–", l2: "–" });
  return {
    update: ({ step, iou, pixelAccuracy, l2 }) =>
      bar.update(step, {
        iou: iou.toFixed(4),
        accuracy: pixelAccuracy.toFixed(4),
        l2: l2.toFixed(4),
      }),
    stop: () => bar.stop(),
  };
}
