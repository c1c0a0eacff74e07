import { assertDims } from "../images/dims.ts";
import type { ImageTensor } from "@onnx-asma/core";
import { imagePicture, type Picture } from "./picture.ts";

/** A picture of x - x_0 around mid-grey, and how strongly it is amplified. */
export interface PerturbationPicture extends Picture {
  /** What the difference was multiplied by: 1, 2, 5, 10, 20, 50, … */
  readonly factor: number;
}

/**
 * Draws the perturbation: 0.5 + factor * (adversarial - original) per channel, clipped to [0, 1].
 * The factor is the largest of 1, 2, 5, 10, … for which the largest amplitude still fits.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when the two images differ in dims.
 */
export function perturbationPicture(
  original: ImageTensor,
  adversarial: ImageTensor,
): PerturbationPicture {
  assertDims(original.dims, adversarial.data.length, "the adversarial image");
  let amplitude = 0;
  for (let k = 0; k < original.data.length; k++) {
    amplitude = Math.max(
      amplitude,
      Math.abs((adversarial.data[k] as number) - (original.data[k] as number)) || 0,
    );
  }
  const factor = amplification(amplitude);
  const data = original.data.map(
    (value, k) => 0.5 + factor * ((adversarial.data[k] as number) - value),
  );
  return { ...imagePicture({ data, dims: original.dims }), factor };
}

/** The largest of 1, 2, 5, 10, 20, 50, … whose product with `amplitude` is at most 0.5 (1 for none). */
export function amplification(amplitude: number): number {
  if (!(amplitude > 0) || amplitude > 0.25) return 1;
  let factor = 1;
  for (let power = 1; power <= 1e9; power *= 10) {
    for (const step of [1, 2, 5]) {
      // The tolerance lets amplitudes such as float32(0.05) keep the factor of 0.05.
      if (step * power * amplitude <= 0.5 * (1 + 1e-6)) factor = step * power;
    }
  }
  return factor;
}
