import { defaultMaxPixels } from "@onnx-asma/core/image-size";
import { checkOptions, optionEntry } from "@onnx-asma/core/check-options";
import { imageFromNpy } from "@onnx-asma/core/npy";
import {
  describeFileImage,
  ownDecoder,
  sniffFormat,
  type FileImage,
} from "@onnx-asma/core/picture-file";
import { imageOfPicture } from "@onnx-asma/core/png";
import { openPicture } from "./open-picture.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /**
   * Channels the model takes: 1 (grey) or 3 (RGB); any other number only with `.npy` files.
   * @default those of the file
   */
  readonly channels?: number;
  /** Spatial axes the model takes: 2, or 3 for volumes, which only `.npy` files hold. Default 2. */
  readonly spatialAxes?: 2 | 3;
  /** Largest number of pixels to decode. Default 64 megapixels. */
  readonly maxPixels?: number;
}

const optionEntries = {
  channels: optionEntry("whole number", "channels that the model takes"),
  spatialAxes: optionEntry("whole number", "2, or 3 for volumes"),
  maxPixels: optionEntry("anything", "the largest number of pixels"),
} as const satisfies Record<keyof ReadImageOptions, unknown>;

/**
 * Reads an image file as float32 [1, C, H, W] in [0, 1]: v / 255 or v / 65535, rounded to float32, or floating-point
 * values as they are.
 *
 * Takes PNG of every depth and colour type; JPEG and WebP as libjpeg-turbo and libwebp decode them; TIFF and BigTIFF
 * (strips and tiles; uncompressed, LZW, Deflate, PackBits, ZSTD, JPEG, WebP, CCITT; 1 to 16 bits and floating point);
 * BMP of every kind; PGM, PPM and PBM; GIF; and `.npy` arrays of shape [C, H, W], [1, C, H, W], [H, W, C] or [H, W] (of
 * volumes with a depth before the height): uint8, uint16, or floating point in [0, 1]. Of several frames or pages the
 * first one counts, `pages` says how many there are. The orientation of EXIF and TIFF is applied. A fully opaque
 * alpha channel is dropped. An RGB file whose three channels are equal everywhere counts as grey for a model of one
 * channel. Embedded colour profiles and gamma are not applied: models are trained on stored samples. What is not
 * decoded right is refused by name.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE,
 * ERR_IMAGE_ALPHA, ERR_IMAGE_CHANNELS, ERR_IMAGE_COLOUR_SPACE, ERR_IMAGE_BIT_DEPTH, ERR_IMAGE_RANGE,
 * ERR_ARRAY_SHAPE, ERR_ARRAY_DTYPE or ERR_OPTION.
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<FileImage> {
  checkOptions(optionEntries, options, "readImage");
  return await decodeImage(await readBytes(path), path, options);
}

/**
 * Decodes the bytes of an image file as {@link readImage} does.
 *
 * @param path names it in messages
 */
export async function decodeImage(
  bytes: Uint8Array,
  path: string,
  options: ReadImageOptions,
): Promise<FileImage> {
  const { maxPixels = defaultMaxPixels } = options;
  if (sniffFormat(bytes) === "npy") return fromNpy(path, bytes, options);
  const { picture, decoder } = openPicture(path, bytes, maxPixels);
  const image = await imageOfPicture(`'${path}'`, picture, options);
  return describeFileImage(image, picture.format, await decoder());
}

function fromNpy(path: string, bytes: Uint8Array, options: ReadImageOptions): FileImage {
  return describeFileImage(imageFromNpy(bytes, path, options), "npy", ownDecoder);
}
