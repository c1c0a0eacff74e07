import type { ImageTensor } from "../image.ts";
import { imageFormatOf, type ImageFormat } from "../png/encode-image.ts";

/** The file that the adversarial image is saved to, and that the verdict is taken from. */
export interface AdversarialFile extends ImageFormat {
  readonly name: "adversarial.png" | "adversarial.npy";
}

/**
 * Decides how an adversarial image is saved. A PNG where one can hold the image: a PNG has its levels
 * whatever was optimised, a `.npy` those of the attack.
 *
 * @param image the untouched image
 * @param levels that were optimised
 */
export function adversarialFile(image: ImageTensor, levels: number | "float"): AdversarialFile {
  const own = imageFormatOf(image);
  if (levels === "float") {
    return own.format === "png" ? named(own) : named({ format: "npy", levels: undefined });
  }
  // What a file of more levels holds exactly needs no floats.
  const whole = ([256, 65_536] as const).find((stored) => (stored - 1) % (levels - 1) === 0);
  return named(imageFormatOf(image, whole ?? levels));
}

function named(format: ImageFormat): AdversarialFile {
  return { ...format, name: format.format === "png" ? "adversarial.png" : "adversarial.npy" };
}
