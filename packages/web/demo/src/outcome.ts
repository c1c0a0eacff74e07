import { verdictWords, type VerdictWords } from "@onnx-asma/core/verdict-words";
import type { Visibility } from "@onnx-asma/core/visibility";
import {
  confusionMatrix,
  fitTarget,
  type AttackResult,
  type LabelMap,
  type Verification,
} from "@onnx-asma/web";
import { imageName, modelName } from "./choice.ts";
import type { Scene } from "./scene.ts";

/** The best image as it is saved, and what the untouched model draws on that. */
export interface SavedImage {
  readonly png: Uint8Array<ArrayBuffer>;
  readonly verdict: Verification;
  readonly visibility: Visibility;
}

/** What an attack came to. */
export interface Outcome {
  readonly scene: Scene;
  readonly target: { readonly kind: string; readonly labels: LabelMap };
  readonly result: AttackResult;
  /** `undefined` where the attack failed, and with it what would have checked the image. */
  readonly saved: SavedImage | undefined;
}

/** The verdict on the saved image in words. */
export function verdictOn(outcome: Outcome, saved: SavedImage): VerdictWords {
  const { result } = outcome;
  return verdictWords({
    reached: saved.verdict.reached,
    stopReason: result.stopReason,
    options: result.options,
    steps: result.trajectory.length - 1,
    best: result.best,
    saved: saved.verdict,
    classes: classesOf(outcome, saved),
    visibility: saved.visibility,
  });
}

/** How the saved image fares class by class, on the pixels that count. */
function classesOf({ scene, target }: Outcome, { verdict }: SavedImage) {
  const { classNames, head } = scene.description;
  const labels = fitTarget(target.labels, scene.description);
  const matrix = confusionMatrix(verdict.prediction, labels, head.classes);
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  return classNames.map((name, c) => {
    const pixelsTarget = sum(matrix[c] as readonly number[]);
    const pixelsAfter = sum(matrix.map((row) => row[c] as number));
    const common = matrix[c]?.[c] as number;
    const union = pixelsTarget + pixelsAfter - common;
    return { name, pixelsTarget, pixelsAfter, iouAfter: union === 0 ? null : common / union };
  });
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
    target: target.kind,
    saved: saved && withoutPictures(saved.verdict),
    visibility: saved?.visibility,
    bestStep: best.step,
    lastStep: last.step,
    ...others,
  };
}

function withoutPictures({ image: _1, prediction: _2, ...numbers }: Verification) {
  return numbers;
}
