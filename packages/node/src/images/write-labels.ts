import { basename } from "node:path";
import { ignored, type LabelMap } from "@onnx-asma/core";
import { writeNpy } from "./npy.ts";
import { writeLabelPng } from "./write-mask.ts";

/** The file that a label map was written to. */
export interface LabelsFile {
  /** Its name in the folder. */
  readonly file: string;
  /** The value that ignored pixels have in it, which is no class of the model; `undefined` if there are none. */
  readonly ignoredAs: number | undefined;
}

/**
 * Writes a label map into a folder so that `readMask` reads it back as it was, with `ignoredAs` as its
 * ignore label: a PNG of the class numbers, 8 bits where they fit, otherwise 16. Ignored pixels
 * are 255 or, where that is a class of the model, 65535 in a file of 16 bits. What no PNG holds (volumes,
 * more classes) becomes `.npy`, int32, where ignored pixels are −1.
 *
 * @param path without the file's ending
 * @param options.classes of the model
 * @throws AsmaError ERR_ARRAY_SHAPE, ERR_MASK_VALUES for negative labels other than ignored,
 *   ERR_FOLDER_NOT_WRITABLE
 */
export async function writeLabels(
  path: string,
  labels: LabelMap,
  { classes }: { readonly classes: number },
): Promise<LabelsFile> {
  const largest = labels.data.reduce((max, label) => Math.max(max, label), 0);
  const hasIgnored = labels.data.includes(ignored);
  // Values that pixels may have that are not ignored.
  const values = hasIgnored ? Math.max(classes, largest + 1) : largest + 1;
  const max = [255, 65_535].find((white) => values <= white + (hasIgnored ? 0 : 1));
  if (labels.dims.length === 3 || max === undefined) {
    await writeNpy(`${path}.npy`, labels);
    return { file: `${basename(path)}.npy`, ignoredAs: hasIgnored ? ignored : undefined };
  }
  const data = hasIgnored
    ? labels.data.map((label) => (label === ignored ? max : label))
    : labels.data;
  await writeLabelPng(`${path}.png`, { data, dims: labels.dims });
  return { file: `${basename(path)}.png`, ignoredAs: hasIgnored ? max : undefined };
}
