import { ignored } from "@onnx-asma/core";
import { classesIn, colourFrom } from "./class-colours.ts";
import { displayWindow } from "./display-window.ts";
import { overlay } from "./mask-picture.ts";
import { overviewPicture } from "./overview-picture.ts";
import { perturbationFigure } from "./perturbation-figure.ts";
import { encodePicture, imagePicture } from "./picture.ts";
import type { ShownResult } from "./shown-result.ts";

/** The pictures of a result by name: the overview, the change, and both predictions on their images. */
export function drawPictures(shown: ShownResult): ReadonlyMap<string, Uint8Array> {
  const { adversarial, original, placement, predictionAfter, predictionBefore, target } = shown;
  const window = displayWindow(original);
  const classes = classesIn([predictionBefore, target, predictionAfter], shown.classNames);
  const withLabels = (image: typeof original, labels: typeof target) =>
    encodePicture(
      overlay(imagePicture(image, window), labels, {
        placement,
        ignoreLabel: ignored,
        colourOf: colourFrom(classes),
      }),
    );
  return new Map([
    ["prediction-before.png", withLabels(original, predictionBefore)],
    ["prediction-after.png", withLabels(adversarial, predictionAfter)],
    ["perturbation.png", perturbationFigure(shown)],
    ["overview.png", overviewPicture(shown)],
  ]);
}
