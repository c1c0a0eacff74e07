import { AsmaError, defaultMaxPixels, refusal } from "@onnx-asma/core";
import { imageFromNpy } from "@onnx-asma/core/npy";
import { sniffFormat } from "./image-header.ts";
import { unitTable, type FileImage } from "./file-image.ts";
import { assertOpaque, openRaster, type Raster } from "./raster.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /** Channels the model takes: 1 (grey) or 3 (RGB); any other number only with `.npy` files. */
  readonly channels: number;
  /** Spatial axes the model takes: 2, or 3 for volumes, which only `.npy` files hold. Default 2. */
  readonly spatialAxes?: 2 | 3;
  /** Largest number of pixels to decode. Default 64 megapixels. */
  readonly maxPixels?: number;
}

/**
 * Reads an image file as float32 [1, C, H, W] in [0, 1]: v / 255 or v / 65535, rounded to float32.
 *
 * Takes PNG of every depth and colour type, JPEG, BMP, TIFF, GIF (first frame) and `.npy` arrays of shape
 * [C, H, W], [1, C, H, W], [H, W, C] or [H, W] (of volumes with a depth before the height): uint8, uint16, or floating point in [0, 1]. EXIF
 * rotation is applied. A fully opaque alpha channel is dropped. An RGB file whose three channels
 * are equal everywhere counts as grey for a model of one channel. Embedded colour profiles and
 * gamma are not applied: models are trained on stored samples.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE,
 * ERR_IMAGE_ALPHA, ERR_IMAGE_CHANNELS, ERR_IMAGE_COLOUR_SPACE, ERR_IMAGE_BIT_DEPTH, ERR_IMAGE_RANGE,
 * ERR_ARRAY_SHAPE or ERR_ARRAY_DTYPE.
 */
export async function readImage(path: string, options: ReadImageOptions): Promise<FileImage> {
  const { channels, maxPixels = defaultMaxPixels } = options;
  const bytes = await readBytes(path);
  if (sniffFormat(bytes) === "npy") return fromNpy(path, bytes, options);
  if (options.spatialAxes === 3) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: "a volume as the model does",
      found: `'${path}' is a picture`,
      wayOut: `bring it as .npy of shape [${channels}, D, H, W]`,
      details: { path },
    });
  }

  const file = openRaster(path, bytes, maxPixels);
  if (channels !== 1 && channels !== 3) {
    const found = file.grey ? 1 : 3;
    throw channelError(
      path,
      channels,
      found,
      `bring the image as .npy of shape [${channels}, H, W]`,
    );
  }
  if (file.grey && channels === 3) throw channelError(path, 3, 1, "save it as RGB first");
  const raster = await file.decode();
  assertOpaque(path, raster);
  if (raster.channels === 3 && channels === 1 && !isGrey(raster)) {
    throw channelError(path, 1, 3, "convert it to grey first");
  }
  const { height, width, bitDepth } = raster;
  const data = toPlanes(raster, channels);
  const levels = 2 ** bitDepth;
  return { data, dims: [1, channels, height, width], bitDepth, format: file.format, levels };
}

function channelError(path: string, expected: number, found: number, wayOut: string): AsmaError {
  const name = (n: number): string =>
    n === 1 ? "grey (1 channel)" : n === 3 ? "RGB (3 channels)" : `${n} channels`;
  const message = `Expected ${name(expected)} as the model does but '${path}' is ${name(found)}: ${wayOut}.`;
  return new AsmaError("ERR_IMAGE_CHANNELS", message, { details: { path, expected, found } });
}

function isGrey({ data }: Raster): boolean {
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

/** Interleaved samples to planes of float32 in [0, 1]; of an RGB raster as grey, the first channel. */
function toPlanes(raster: Raster, channels: number): Float32Array {
  const table = unitTable(raster.bitDepth === 16 ? 65_535 : 255);
  const pixels = raster.height * raster.width;
  const planes = new Float32Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      planes[c * pixels + i] = table[raster.data[i * raster.channels + c] as number] as number;
    }
  }
  return planes;
}

function fromNpy(path: string, bytes: Buffer, options: ReadImageOptions): FileImage {
  const image = imageFromNpy(bytes, path, options);
  const bitDepth = image.levels === 256 ? 8 : image.levels === 65_536 ? 16 : 32;
  return { ...image, bitDepth, format: "npy" };
}
