import type { Bytes } from "@onnx-asma/autodiff";
import { refusal } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import { levelsOf } from "../levels-of.ts";
import { encodeNpy } from "../npy/encode-npy.ts";
import { encodePng } from "./encode-png.ts";

/** What an image is saved as. */
export interface ImageFormat {
  readonly format: "png" | "npy";
  /** Values per channel that the file holds; `undefined` for floating point. */
  readonly levels: 256 | 65536 | undefined;
}

/**
 * Decides how an image is saved: as PNG when a PNG can hold it (1 or 3 channels, no volume, 256 or 65536
 * levels), otherwise as `.npy`: uint8, uint16 or, for all other levels, float32.
 *
 * @param levels values per channel that it shall have; default: those of the image, see `levelsOf`
 */
export function imageFormatOf(image: ImageTensor, levels = levelsOf(image)): ImageFormat {
  const [, channels] = image.dims;
  const stored = levels === 256 || levels === 65_536 ? levels : undefined;
  const isPicture = image.dims.length === 4 && (channels === 1 || channels === 3);
  return { format: isPicture && stored !== undefined ? "png" : "npy", levels: stored };
}

/**
 * The bytes of an image's file; values are rounded to its levels.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when dims and data do not agree, ERR_IMAGE_RANGE for NaN in a PNG
 */
export function encodeImage(image: ImageTensor, { format, levels } = imageFormatOf(image)): Bytes {
  if (image.dims[0] !== 1 || image.dims.includes(0)) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: "one image, of dims [1, C, H, W],",
      found: `found dims [${image.dims.join(", ")}]`,
      wayOut: "save images one by one",
    });
  }
  if (format === "png") {
    return encodePng(image, { levels });
  }
  const { data, dims } = image;
  const rounded = (v: number) => Math.round(v * ((levels ?? 1) - 1));
  const stored =
    levels === undefined
      ? data
      : levels === 256
        ? Uint8Array.from(data, rounded)
        : Uint16Array.from(data, rounded);
  return encodeNpy({ data: stored, dims }, "the image");
}
