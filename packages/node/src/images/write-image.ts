import { extname } from "node:path";
import { AsmaError } from "@onnx-asma/core";
import { encode } from "fast-png";
import { assertDims } from "./dims.ts";
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
  const [, channels, height, width] = image.dims;
  assertDims(image.dims, image.data.length, "the image");
  if (channels !== 1 && channels !== 3) {
    throw new AsmaError(
      "ERR_IMAGE_CHANNELS",
      `Expected 1 or 3 channels for a PNG but the image has ${channels}: write it as .npy instead.`,
      { details: { channels } },
    );
  }
  const max = levels - 1;
  const pixels = height * width;
  const data = new (levels === 65_536 ? Uint16Array : Uint8Array)(pixels * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      const value = image.data[c * pixels + i] as number;
      if (Number.isNaN(value)) {
        const message = `Expected pixel values in [0, 1] but the image holds NaN (channel ${c}, pixel ${i}).`;
        throw new AsmaError("ERR_IMAGE_RANGE", message, { details: { channel: c, pixel: i } });
      }
      data[i * channels + c] = Math.round(Math.min(Math.max(value, 0), 1) * max);
    }
  }
  return encode({ width, height, data, channels, depth: levels === 65_536 ? 16 : 8 });
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
  throw new AsmaError(
    "ERR_IMAGE_LOSSY",
    `Expected a lossless file name for the adversarial image but '${path}' would change its pixels: ` +
      "use .png (or .npy for floats).",
    { details: { path } },
  );
}
