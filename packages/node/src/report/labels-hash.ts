import { createHash } from "node:crypto";
import type { LabelMap } from "@onnx-asma/core";

/**
 * SHA-256 of a label map: its labels as little-endian int32 in C order (ignored is −1), 64 hexadecimal
 * digits. The file that the labels came from may have had other values and another size.
 */
export function labelsHash({ data }: LabelMap): string {
  const bytes = Buffer.alloc(4 * data.length);
  data.forEach((label, i) => bytes.writeInt32LE(label, 4 * i));
  return createHash("sha256").update(bytes).digest("hex");
}
