import { basename, dirname, join } from "node:path";
import type { LabelMap } from "@onnx-asma/core";
import { encodeLabels, type LabelsFile } from "@onnx-asma/core/result-record";
import { writeFile } from "./write-file.ts";

/**
 * Writes a label map into a folder so that `readMask` reads it back as it was, with `ignoredAs` as its
 * ignore label; see `encodeLabels` of core.
 *
 * @param path without the file's ending
 * @param options.classes of the model
 * @throws AsmaError ERR_ARRAY_SHAPE, ERR_MASK_VALUES for negative labels other than ignored,
 *   ERR_FOLDER_NOT_WRITABLE
 */
export async function writeLabels(
  path: string,
  labels: LabelMap,
  options: { readonly classes: number },
): Promise<LabelsFile> {
  const { bytes, ...file } = encodeLabels(basename(path), labels, options);
  await writeFile(join(dirname(path), file.file), bytes);
  return file;
}
