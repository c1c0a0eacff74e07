import { encodeLabelPng } from "@onnx-asma/core/png";
import { encode } from "fast-png";
import { assertDims } from "./dims.ts";
import type { LabelMap } from "@onnx-asma/core";
import { classColour, ignoreColour } from "./palette.ts";
import { assertLossless } from "./write-image.ts";
import { writeFile } from "./write-file.ts";

/** PNG bytes of a label map as a picture for people: 8-bit RGB in the colours of `palette`. */
export function encodeMaskPng(
  labels: LabelMap,
  options: { readonly ignoreLabel?: number } = {},
): Uint8Array {
  const [height, width] = labels.dims;
  assertDims(labels.dims, labels.data.length, "the label map");
  const data = new Uint8Array(3 * height * width);
  labels.data.forEach((label, i) => {
    data.set(label === options.ignoreLabel ? ignoreColour : classColour(label), 3 * i);
  });
  return encode({ width, height, data, channels: 3, depth: 8 });
}

/**
 * Writes a label map as a picture for people; see {@link encodeMaskPng}.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE, ERR_IMAGE_LOSSY, ERR_FOLDER_NOT_WRITABLE.
 */
export async function writeMaskPng(
  path: string,
  labels: LabelMap,
  options: { readonly ignoreLabel?: number } = {},
): Promise<void> {
  assertLossless(path);
  await writeFile(path, encodeMaskPng(labels, options));
}

/**
 * Writes a label map for programs; `readMask` reads it back as it was. See {@link encodeLabelPng}.
 *
 * @throws AsmaError as encodeLabelPng does, ERR_IMAGE_LOSSY, ERR_FOLDER_NOT_WRITABLE.
 */
export async function writeLabelPng(path: string, labels: LabelMap): Promise<void> {
  assertLossless(path);
  await writeFile(path, encodeLabelPng(labels));
}
