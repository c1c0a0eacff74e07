import { join } from "node:path";
import { ignored } from "@onnx-asma/core";
import { writeFile } from "../images/write-file.ts";
import { classesIn, colourFrom } from "./class-colours.ts";
import { displayWindow } from "./display-window.ts";
import { overlay } from "./mask-picture.ts";
import { overviewPicture } from "./overview-picture.ts";
import { perturbationFigure } from "./perturbation-figure.ts";
import { encodePicture, imagePicture } from "./picture.ts";
import type { ShownResult } from "./shown-result.ts";

/**
 * Writes the pictures of a result into a folder: the overview, the change, and both predictions on their images.
 *
 * @throws AsmaError `ERR_FOLDER_NOT_WRITABLE`
 */
export async function writePictures(folder: string, shown: ShownResult): Promise<void> {
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
  const write = async (name: string, contents: Uint8Array) =>
    await writeFile(join(folder, name), contents);
  await write("prediction-before.png", withLabels(original, predictionBefore));
  await write("prediction-after.png", withLabels(adversarial, predictionAfter));
  await write("perturbation.png", perturbationFigure(shown));
  await write("overview.png", overviewPicture(shown));
}
