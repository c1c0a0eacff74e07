import { refusal } from "@onnx-asma/core";
import type { LabelMap } from "@onnx-asma/core";
import type { Rgb } from "../images/palette.ts";
import type { Picture } from "./picture.ts";

/** Colours of pixels by what is still to become of them. */
export const wrongPixelColours = {
  /** Wrong, must become background (target class 0). */
  toBackground: [214, 48, 62],
  /** Wrong, must become foreground (target class other than 0). */
  toForeground: [45, 108, 223],
  /** Already right. */
  right: [196, 201, 209],
  /** Does not count. */
  ignored: [30, 33, 39],
} as const satisfies Record<string, Rgb>;

/**
 * Draws which pixels of `prediction` still differ from `target`, and which way they must go.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when the two label maps differ in dims.
 */
export function wrongPixelsPicture(
  prediction: LabelMap,
  target: LabelMap,
  options: { readonly ignoreLabel?: number } = {},
): Picture {
  const [height, width] = target.dims;
  if (prediction.dims[0] !== height || prediction.dims[1] !== width) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `a prediction of the target's dims [${target.dims.join(", ")}]`,
      found: `found [${prediction.dims.join(", ")}]`,
      details: { prediction: prediction.dims, target: target.dims },
    });
  }
  const rgb = new Uint8Array(3 * height * width);
  target.data.forEach((wanted, i) => {
    let colour: Rgb =
      wanted === 0 ? wrongPixelColours.toBackground : wrongPixelColours.toForeground;
    if (wanted === options.ignoreLabel) colour = wrongPixelColours.ignored;
    else if (wanted === prediction.data[i]) colour = wrongPixelColours.right;
    rgb.set(colour, 3 * i);
  });
  return { rgb, width, height };
}
