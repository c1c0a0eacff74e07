import { AsmaError, type Size } from "@onnx-asma/core";
import { assertExtent, defaultMaxPixels } from "./image-errors.ts";
import { sniffFormat } from "./image-header.ts";
import { unitTable, type FileImage } from "./file-image.ts";
import { parseNpy } from "./npy.ts";
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
    throw new AsmaError(
      "ERR_ARRAY_SHAPE",
      `Expected a volume as the model does but '${path}' is a picture: bring it as .npy of shape [${channels}, D, H, W].`,
      { details: { path } },
    );
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
  const { channels, maxPixels = defaultMaxPixels } = options;
  const { data, dims } = parseNpy(bytes, path);
  const { size, isChannelsLast } = npyLayout(path, dims, options);
  assertExtent(path, size, maxPixels);
  const scale = data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65_535 : 1;
  if (scale === 1 && !(data instanceof Float32Array || data instanceof Float64Array)) {
    throw new AsmaError(
      "ERR_ARRAY_DTYPE",
      `Expected float32, float64, uint8 or uint16 pixels but '${path}' holds ${data.constructor.name} values: ` +
        "convert the array first.",
      { details: { path } },
    );
  }
  const pixels = size.reduce((n, d) => n * d, 1);
  const planes = new Float32Array(channels * pixels);
  for (let k = 0; k < planes.length; k++) {
    const from = isChannelsLast ? (k % pixels) * channels + Math.floor(k / pixels) : k;
    const value = (data[from] as number) / scale;
    if (!(value >= 0 && value <= 1)) {
      throw new AsmaError(
        "ERR_IMAGE_RANGE",
        `Expected pixel values in [0, 1] but '${path}' holds ${value}: scale the array to [0, 1] (or store uint8).`,
        { details: { path, value } },
      );
    }
    planes[k] = value;
  }
  const bitDepth = scale === 255 ? 8 : scale === 1 ? 32 : 16;
  const levels = scale === 1 ? Infinity : scale + 1;
  return { data: planes, dims: [1, channels, ...size], bitDepth, format: "npy", levels };
}

/** Size and memory order of an array; channels first wins where both orders would fit. */
function npyLayout(
  path: string,
  dims: readonly number[],
  { channels, spatialAxes = 2 }: ReadImageOptions,
): { readonly size: Size; readonly isChannelsLast: boolean } {
  const shape = dims.length === spatialAxes + 2 && dims[0] === 1 ? dims.slice(1) : dims;
  const sized = (size: readonly number[], isChannelsLast = false) => ({
    size: size as unknown as Size,
    isChannelsLast,
  });
  if (shape.length === spatialAxes && channels === 1) return sized(shape);
  if (shape.length === spatialAxes + 1 && shape[0] === channels) return sized(shape.slice(1));
  if (shape.length === spatialAxes + 1 && shape.at(-1) === channels)
    return sized(shape.slice(0, -1), true);
  const axes = spatialAxes === 2 ? "H, W" : "D, H, W";
  throw new AsmaError(
    "ERR_ARRAY_SHAPE",
    `Expected an array of shape [${channels}, ${axes}], [1, ${channels}, ${axes}] or [${axes}, ${channels}]` +
      `${channels === 1 ? ` or [${axes}]` : ""} but '${path}' has shape [${dims.join(", ")}]: transpose it first.`,
    { details: { path, dims, channels } },
  );
}
