import { encode } from "fast-png";
import { toSamples, type ImageTensor } from "@onnx-asma/core";

/**
 * PNG bytes of an image: grey for one channel, RGB for three, 8 bits, no alpha. Values are clipped to
 * [0, 1] and rounded, never truncated; no canvas and no colour management is involved.
 *
 * @throws AsmaError ERR_IMAGE_CHANNELS when C is neither 1 nor 3, ERR_ARRAY_SHAPE, ERR_IMAGE_RANGE for NaN
 */
export function encodePng(image: ImageTensor): Uint8Array<ArrayBuffer> {
  return encode(toSamples(image, 256)) as Uint8Array<ArrayBuffer>;
}
