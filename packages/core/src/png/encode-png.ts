import type { Bytes } from "@onnx-asma/autodiff";
import { encode } from "fast-png";
import { checkImageTensor } from "../check-array.ts";
import { checkKeys } from "../check-keys.ts";
import { refusal } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import { levelsOf } from "../levels-of.ts";
import { toSamples } from "../samples.ts";

/** Options of {@link encodePng}. */
export interface EncodePngOptions {
  /**
   * Values per channel: 256 (8 bits) or 65536 (16 bits).
   *
   * @default 65536 for an image of as many levels, otherwise 256
   */
  readonly levels?: 256 | 65536 | undefined;
}

/**
 * PNG bytes of an image: grey for one channel, RGB for three, no alpha. Values are clipped to [0, 1]
 * and rounded to the nearest level, so that an image that was read from a PNG comes back bit for bit.
 *
 * @throws AsmaError ERR_IMAGE_CHANNELS when C is neither 1 nor 3, ERR_ARRAY_SHAPE, ERR_ARRAY_DTYPE, ERR_IMAGE_RANGE for NaN, ERR_OPTION
 */
export function encodePng(image: ImageTensor, options: EncodePngOptions = {}): Bytes {
  checkKeys(options, ["levels"], "encodePng");
  checkImageTensor(image, "the image");
  const { levels = levelsOf(image) === 65_536 ? 65_536 : 256 } = options;
  if (![256, 65_536].includes(levels)) {
    throw refusal("ERR_OPTION", {
      expected: "256 or 65536 for `levels`",
      found: `found ${String(levels)}`,
    });
  }
  return encode(toSamples(image, levels)) as Bytes;
}
