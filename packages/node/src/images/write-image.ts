import { extname } from "node:path";
import { refusal, toSamples } from "@onnx-asma/core";
import { encode } from "fast-png";
import type { ImageTensor } from "@onnx-asma/core";
import { writeFile } from "./write-file.ts";

/** Options of {@link encodePng} and {@link writePng}. */
export interface EncodePngOptions {
  /** Values per channel: 256 (8 bits) or 65536 (16 bits). */
  readonly levels: 256 | 65536;
}

/**
 * PNG bytes of an image: grey for one channel, RGB for three, no alpha. Values are clipped to [0, 1]
 * and rounded to the nearest level, so that an image read by `readImage` comes back bit for bit.
 *
 * @throws AsmaError ERR_IMAGE_CHANNELS when C is neither 1 nor 3, ERR_ARRAY_SHAPE, ERR_IMAGE_RANGE for NaN.
 */
export function encodePng(image: ImageTensor, { levels }: EncodePngOptions): Uint8Array {
  return encode(toSamples(image, levels));
}

/**
 * Writes an image as PNG; see {@link encodePng}.
 *
 * @throws AsmaError as encodePng does, ERR_IMAGE_LOSSY for a lossy file name, ERR_FOLDER_NOT_WRITABLE.
 */
export async function writePng(
  path: string,
  image: ImageTensor,
  options: EncodePngOptions,
): Promise<void> {
  assertLossless(path);
  await writeFile(path, encodePng(image, options));
}

/**
 * Refuses file names whose format would change pixels and undo the perturbation.
 *
 * @throws AsmaError ERR_IMAGE_LOSSY
 */
export function assertLossless(path: string): void {
  if (![".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif"].includes(extname(path).toLowerCase()))
    return;
  throw refusal("ERR_IMAGE_LOSSY", {
    expected: "a lossless file name for the adversarial image",
    found: `'${path}' would change its pixels`,
    wayOut: "use .png (or .npy for floats)",
    details: { path },
  });
}
