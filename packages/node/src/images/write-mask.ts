import { refusal } from "@onnx-asma/core";
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
 * PNG bytes of a label map for programs: grey, the value is the class (or the ignore label), in 8 bits
 * where all labels fit, otherwise in 16.
 *
 * @throws AsmaError ERR_MASK_VALUES for labels outside 0..65535, ERR_ARRAY_SHAPE.
 */
export function encodeLabelPng(labels: LabelMap): Uint8Array {
  const [height, width] = labels.dims;
  assertDims(labels.dims, labels.data.length, "the label map");
  const outside = labels.data.find((label) => label < 0 || label > 65_535);
  if (outside !== undefined) {
    throw refusal("ERR_MASK_VALUES", {
      expected: "labels from 0 to 65535 for a PNG",
      found: `found ${outside}`,
      wayOut: "write the labels as .npy instead",
      details: { label: outside },
    });
  }
  const fitsBytes = labels.data.every((label) => label <= 255);
  const data = fitsBytes ? Uint8Array.from(labels.data) : Uint16Array.from(labels.data);
  return encode({ width, height, data, channels: 1, depth: fitsBytes ? 8 : 16 });
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
