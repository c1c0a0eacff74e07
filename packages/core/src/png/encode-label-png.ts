import { encode } from "fast-png";
import { checkCount } from "../check-array.ts";
import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";

/**
 * PNG bytes of a label map for programs: grey, the value is the class (or the ignore label), in 8 bits
 * where all labels fit, otherwise in 16.
 *
 * @throws AsmaError ERR_MASK_VALUES for labels outside 0..65535, ERR_ARRAY_SHAPE.
 */
export function encodeLabelPng(labels: LabelMap): Uint8Array {
  const [height, width] = labels.dims;
  checkCount(labels, "the label map");
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
