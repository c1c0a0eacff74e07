import { ignored, refusal, type LabelMap } from "@onnx-asma/core";
import { ignoreColour, type Rgb } from "../images/palette.ts";
import { paint, type Picture } from "./picture.ts";

/** Colour of pixels that are as the goal wants them. */
export const rightColour: Rgb = [222, 225, 230];

/** A picture of the pixels that are still wrong, and how many they are. */
export interface WrongPixelsPicture extends Picture {
  readonly wrong: number;
}

/** Options of {@link wrongPixelsPicture}. */
export interface WrongPixelsOptions {
  readonly colourOf: (label: number) => Rgb;
  /** Whether the labels are to be reached, or (false) to be left. */
  readonly targeted: boolean;
}

/**
 * Draws which pixels of a prediction are not yet as the goal wants them, in the colour of the label that they are to
 * get (or to leave). Ignored pixels are white.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when the two label maps differ in dims.
 */
export function wrongPixelsPicture(
  prediction: LabelMap,
  target: LabelMap,
  { colourOf, targeted }: WrongPixelsOptions,
): WrongPixelsPicture {
  const [height, width] = target.dims;
  if (prediction.dims[0] !== height || prediction.dims[1] !== width) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `a prediction of the target's dims [${target.dims.join(", ")}]`,
      found: `found [${prediction.dims.join(", ")}]`,
      details: { prediction: prediction.dims, target: target.dims },
    });
  }
  const rgb = new Uint8Array(3 * height * width);
  let wrong = 0;
  target.data.forEach((label, i) => {
    const isRight = (label === prediction.data[i]) === targeted;
    if (label === ignored) {
      paint(rgb, i, ignoreColour);
    } else if (isRight) {
      paint(rgb, i, rightColour);
    } else {
      wrong++;
      paint(rgb, i, colourOf(label));
    }
  });
  return { rgb, width, height, wrong };
}
