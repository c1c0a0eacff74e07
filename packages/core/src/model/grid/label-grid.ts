import { AsmaError } from "../../errors.ts";
import type { Size } from "../../image.ts";
import type { ModelOptions } from "../model-options.ts";
import { imageGrid, outputGrid, type OutputGrid } from "./output-grid.ts";
import type { Preprocessing } from "../input/preprocessing.ts";
import { stepsToImage, type RegridStep } from "./regrid.ts";
import { option } from "../option.ts";

/** The grid that labels are wanted on, and the way to it from the output's. */
export interface LabelGridPlan {
  readonly grid: OutputGrid;
  readonly steps: readonly RegridStep[];
}

/**
 * Decides on which grid labels are wanted: the output's own, without the padding that was added only
 * because the model refuses the image's size, or the image's.
 *
 * @throws AsmaError `ERR_OUTPUT` when the output does not cover the image whose grid is asked for
 */
export function chooseGrid(
  { output, outputSize }: { readonly output: string; readonly outputSize: Size },
  preprocessing: Preprocessing,
  options: ModelOptions,
): LabelGridPlan {
  const own = outputGrid(outputSize, preprocessing);
  const { imageSize, resizedSize, padding, isPaddedToFit } = preprocessing;
  if (options.grid === "image") {
    const isCut = padding.some((n) => n < 0);
    if (own.kind === "crop" || isCut) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `Output '${output}' (${outputSize.join("×")}) covers only the centre of the ${isCut ? "image" : "input"}, so there are no labels for the whole image: leave out ${option("grid", "image")}.`,
      );
    }
    return { grid: imageGrid(imageSize), steps: stepsToImage(outputSize, preprocessing) };
  }
  if (isPaddedToFit && own.kind === "same" && padding.every((n) => n >= 0)) {
    return {
      grid: { ...imageGrid(imageSize), kind: "same", size: resizedSize },
      steps: [{ kind: "crop", begin: padding.slice(0, resizedSize.length), size: resizedSize }],
    };
  }
  return { grid: own, steps: [] };
}
