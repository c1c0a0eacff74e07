import { extname } from "node:path";
import { type ImageTensor, refusal } from "@onnx-asma/core";
import { encodePng, type EncodePngOptions } from "@onnx-asma/core/png";
import { writeFile } from "./write-file.ts";

/**
 * Writes an image as PNG; see `encodePng`.
 *
 * @throws AsmaError as encodePng does, ERR_IMAGE_LOSSY for a lossy file name, ERR_FOLDER_NOT_WRITABLE.
 */
export async function writePng(
  path: string,
  image: ImageTensor,
  options?: EncodePngOptions,
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
