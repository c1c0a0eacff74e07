import { ignored, type LabelMap } from "../image.ts";
import { encodeNpy } from "../npy/encode-npy.ts";
import { encodeLabelPng } from "../png/encode-label-png.ts";

/** The file that a label map was written to. */
export interface LabelsFile {
  /** Its name in the folder. */
  readonly file: string;
  /** The value that ignored pixels have in it, which is no class of the model; `undefined` if there are none. */
  readonly ignoredAs: number | undefined;
}

/**
 * The file of a label map, so that it reads back as it was with `ignoredAs` as its ignore label: a PNG of
 * the class numbers, 8 bits where they fit, otherwise 16. Ignored pixels are 255 or, where that is a class
 * of the model, 65535 in a file of 16 bits. What no PNG holds (volumes, more classes) becomes `.npy`, int32,
 * where ignored pixels are −1.
 *
 * @param name without the file's ending
 * @param options.classes of the model
 * @throws AsmaError ERR_ARRAY_SHAPE, ERR_MASK_VALUES for negative labels other than ignored
 */
export function encodeLabels(
  name: string,
  labels: LabelMap,
  { classes }: { readonly classes: number },
): LabelsFile & { readonly bytes: Uint8Array } {
  const largest = labels.data.reduce((max, label) => Math.max(max, label), 0);
  const hasIgnored = labels.data.includes(ignored);
  // Values that pixels may have that are not ignored.
  const values = hasIgnored ? Math.max(classes, largest + 1) : largest + 1;
  const max = [255, 65_535].find((white) => values <= white + (hasIgnored ? 0 : 1));
  if (labels.dims.length === 3 || max === undefined) {
    const ignoredAs = hasIgnored ? ignored : undefined;
    return { file: `${name}.npy`, ignoredAs, bytes: encodeNpy(labels, `the array for '${name}'`) };
  }
  const data = hasIgnored
    ? labels.data.map((label) => (label === ignored ? max : label))
    : labels.data;
  const bytes = encodeLabelPng({ data, dims: labels.dims });
  return { file: `${name}.png`, ignoredAs: hasIgnored ? max : undefined, bytes };
}
