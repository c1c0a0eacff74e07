import type { AttackResult, Verification } from "@onnx-asma/web";
import { percent } from "./percent.ts";
import { imageName, modelName, type Scene } from "./scene.ts";

/** What an attack came to, as it is saved. */
export interface Outcome {
  readonly scene: Scene;
  /** How the target was made. */
  readonly target: string;
  readonly result: AttackResult;
  readonly png: Uint8Array<ArrayBuffer>;
  readonly verdict: Verification;
}

/** How the attack ended. */
export function endingInWords({ result }: Outcome): string {
  const ending =
    result.stopReason === "reached" ? "Reached" : result.reached ? "Ended, reached" : "Not reached";
  return `${ending} at step ${result.best.step} (${result.stopReason}).`;
}

/** What the saved image does. */
export function verdictInWords({ verdict }: Outcome): string {
  return (
    `The saved image: IoU ${percent(verdict.iou)}, pixel accuracy ${percent(verdict.pixelAccuracy)}, ` +
    `L2 ${verdict.l2.toPrecision(3)}, L∞ ${verdict.linf.toPrecision(3)}, under the untouched model.`
  );
}

/** What `result.json` holds: all but the pictures. */
export function report({ scene, target, result, verdict }: Outcome): object {
  const { attack, choice, description, image } = scene;
  const { image: _1, prediction: _2, ...saved } = verdict;
  return {
    tool: "@onnx-asma/web",
    backend: attack.backend,
    model: { file: modelName(choice), ...description },
    image: { file: imageName(choice), dims: image.dims },
    target,
    saved,
    stopReason: result.stopReason,
    bestStep: result.best.step,
    scale: result.scale,
    iouDefinition: result.iouDefinition,
    seconds: result.seconds,
    trajectory: result.trajectory,
  };
}
