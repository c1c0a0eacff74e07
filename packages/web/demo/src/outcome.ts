import type { AttackResult, Verification } from "@onnx-asma/web";
import { percent } from "./percent.ts";
import { imageName, modelName, type Scene } from "./scene.ts";

/** The best image as it is saved, and what the untouched model draws on that. */
export interface SavedImage {
  readonly png: Uint8Array<ArrayBuffer>;
  readonly verdict: Verification;
}

/** What an attack came to. */
export interface Outcome {
  readonly scene: Scene;
  /** How the target was made. */
  readonly target: string;
  readonly result: AttackResult;
  /** `undefined` where the attack failed, and with it what would have checked the image. */
  readonly saved: SavedImage | undefined;
}

/** How the attack ended. */
export function endingInWords({ result }: Outcome): string {
  const ending =
    result.stopReason === "reached" ? "Reached" : result.reached ? "Ended, reached" : "Not reached";
  return `${ending} at step ${result.best.step} (${result.stopReason}).`;
}

/** What the saved image does. */
export function verdictInWords({ verdict }: SavedImage): string {
  return (
    `The saved image: IoU ${percent(verdict.iou)}, pixel accuracy ${percent(verdict.pixelAccuracy)}, ` +
    `L2 ${verdict.l2.toPrecision(3)}, L∞ ${verdict.linf.toPrecision(3)}, under the untouched model.`
  );
}

/** What `result.json` holds: all but the pictures. */
export function report({ scene, target, result, saved }: Outcome): object {
  const { model, choice, description, image } = scene;
  const { best, last, ...others } = result;
  return {
    tool: "@onnx-asma/web",
    backend: model.backend,
    model: { file: modelName(choice), ...description },
    image: { file: imageName(choice), dims: image.dims, levels: image.levels },
    target,
    saved: saved && withoutPictures(saved.verdict),
    bestStep: best.step,
    lastStep: last.step,
    ...others,
  };
}

function withoutPictures({ image: _1, prediction: _2, ...numbers }: Verification) {
  return numbers;
}
