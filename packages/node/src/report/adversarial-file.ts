import { levelsOf, type ImageTensor } from "@onnx-asma/core";
import type { FileImage } from "../images/file-image.ts";
import { writeNpy } from "../images/npy.ts";
import { readImage } from "../images/read-image.ts";
import { writePng } from "../images/write-image.ts";

/** The file that the adversarial image is saved to, and that the verdict is taken from. */
export interface AdversarialFile {
  readonly name: "adversarial.png" | "adversarial.npy";
  /** Values per channel that it holds; `undefined` for floating point. */
  readonly levels: 256 | 65536 | undefined;
}

/**
 * Decides how an adversarial image is saved: as PNG when a PNG can hold it (1 or 3 channels, no volume, 256
 * or 65536 levels), otherwise as `.npy`: uint8, uint16 or, for all other levels, float32.
 *
 * @param levels values per channel that it shall have; default: those of the image, see `levelsOf`
 */
export function adversarialFile(image: ImageTensor, levels = levelsOf(image)): AdversarialFile {
  const [, channels] = image.dims;
  const stored = levels === 256 || levels === 65_536 ? levels : undefined;
  const isPicture = image.dims.length === 4 && (channels === 1 || channels === 3);
  const name = isPicture && stored !== undefined ? "adversarial.png" : "adversarial.npy";
  return { name, levels: stored };
}

/**
 * Writes an image to a file of this kind, rounded to its levels.
 *
 * @throws AsmaError `ERR_FOLDER_NOT_WRITABLE`, `ERR_IMAGE_RANGE`
 */
export async function writeAdversarial(
  path: string,
  image: ImageTensor,
  { name, levels }: AdversarialFile,
): Promise<void> {
  if (name === "adversarial.png") {
    return await writePng(path, image, { levels });
  }
  const { data, dims } = image;
  const rounded = (v: number) => Math.round(v * ((levels ?? 1) - 1));
  const stored =
    levels === undefined
      ? data
      : levels === 256
        ? Uint8Array.from(data, rounded)
        : Uint16Array.from(data, rounded);
  return await writeNpy(path, { data: stored, dims });
}

/** Reads such a file back as what it has become. */
export async function readAdversarial(path: string, { dims }: ImageTensor): Promise<FileImage> {
  return await readImage(path, { channels: dims[1], spatialAxes: dims.length === 5 ? 3 : 2 });
}
