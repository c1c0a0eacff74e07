import { checkKeys } from "../check-keys.ts";
import { refusal } from "../errors.ts";
import type { ImageTensor, Size } from "../image.ts";
import { checkImageSize } from "../image-size.ts";
import { parseNpy } from "./parse-npy.ts";

/** Options of {@link imageFromNpy}. */
export interface NpyImageOptions {
  /** Channels that the model takes. @default those of the array, where its shape tells them */
  readonly channels?: number;
  /** Spatial axes that the model takes: 2, or 3 for volumes. @default 2 */
  readonly spatialAxes?: 2 | 3;
  /** Largest number of pixels. @default 64 megapixels */
  readonly maxPixels?: number;
}

/** An image from an array, and how many values a channel could take there. */
export interface NpyImage extends ImageTensor {
  /** 256 or 65536, `Infinity` for floating point. */
  readonly levels: number;
}

/**
 * Reads the bytes of an `.npy` array of shape [C, H, W], [1, C, H, W], [H, W, C] or [H, W] (of volumes with
 * a depth before the height) as float32 [1, C, H, W] in [0, 1]: uint8, uint16, booleans (black and white, as of 8 bits), or floating
 * point in [0, 1].
 *
 * @param path names the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_RANGE, ERR_ARRAY_SHAPE, ERR_ARRAY_DTYPE,
 *   ERR_OPTION for channels that are no number, or that the shape does not tell
 */
export function imageFromNpy(
  bytes: Uint8Array,
  path: string,
  options: NpyImageOptions = {},
): NpyImage {
  checkKeys(options, ["channels", "spatialAxes", "maxPixels"], "an image from .npy");
  const { data, dims, isBoolean = false } = parseNpy(bytes, path);
  const { spatialAxes = 2, maxPixels } = options;
  const { channels = channelsOf(path, dims, spatialAxes) } = options;
  if (!Number.isSafeInteger(channels) || channels < 1) {
    throw refusal("ERR_OPTION", {
      expected: "the number of channels that the model takes for `channels`",
      found: `found ${String(channels)}`,
    });
  }
  const { size, isChannelsLast } = layoutOf(path, dims, { channels, spatialAxes });
  checkImageSize(`'${path}'`, size, maxPixels);
  const scale = data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65_535 : 1;
  if (scale === 1 && !(data instanceof Float32Array || data instanceof Float64Array)) {
    throw refusal("ERR_ARRAY_DTYPE", {
      expected: "float32, float64, uint8 or uint16 pixels",
      found: `'${path}' holds ${data.constructor.name} values`,
      wayOut: "convert the array first",
      details: { path },
    });
  }
  const pixels = size.reduce((n, d) => n * d, 1);
  const planes = new Float32Array(channels * pixels);
  for (let k = 0; k < planes.length; k++) {
    const from = isChannelsLast ? (k % pixels) * channels + Math.floor(k / pixels) : k;
    const value = (data[from] as number) / (isBoolean ? 1 : scale);
    if (!(value >= 0 && value <= 1)) {
      throw refusal("ERR_IMAGE_RANGE", {
        expected: "pixel values in [0, 1]",
        found: `'${path}' holds ${value}`,
        wayOut: "scale the array to [0, 1] (or store uint8)",
        details: { path, value },
      });
    }
    planes[k] = value;
  }
  return { data: planes, dims: [1, channels, ...size], levels: scale === 1 ? Infinity : scale + 1 };
}

/** Channels of an array that nobody told: of an image without or behind a batch axis, or 1 or 3 at one of its ends. */
function channelsOf(path: string, dims: readonly number[], spatialAxes: number): number {
  if (dims.length === spatialAxes) return 1;
  const isImage = (n: number | undefined) => n === 1 || n === 3;
  const [first, second, last] = [dims[0], dims[1], dims.at(-1)];
  const isBatch = dims.length === spatialAxes + 2 && first === 1;
  const [front, back] = isBatch ? [second, last] : [first, last];
  if (isBatch && isImage(front)) return second as number;
  if (isImage(front) !== isImage(back)) return (isImage(front) ? front : back) as number;
  throw refusal("ERR_OPTION", {
    expected: `\`channels\` for an array whose shape does not tell them`,
    found: `'${path}' has shape [${dims.join(", ")}]`,
    wayOut: "say how many channels the model takes",
    details: { path, dims },
  });
}

/** Size and memory order of an array; of four axes ([1, C, H, W]) channels first wins where both would fit. */
function layoutOf(
  path: string,
  dims: readonly number[],
  { channels, spatialAxes }: Required<Omit<NpyImageOptions, "maxPixels">>,
): { readonly size: Size; readonly isChannelsLast: boolean } {
  const shape = dims.length === spatialAxes + 2 && dims[0] === 1 ? dims.slice(1) : dims;
  const sized = (size: readonly number[], isChannelsLast = false) => ({
    size: size as unknown as Size,
    isChannelsLast,
  });
  if (shape.length === spatialAxes && channels === 1) return sized(shape);
  const axes = spatialAxes === 2 ? "H, W" : "D, H, W";
  const isEither =
    dims.length === spatialAxes + 1 && dims[0] === channels && dims.at(-1) === channels;
  if (isEither) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `an array of which one axis alone can be that of ${channels} channels`,
      found: `'${path}' has shape [${dims.join(", ")}], which may be [${channels}, ${axes}] or [${axes}, ${channels}]`,
      wayOut: `bring it as [1, ${channels}, ${axes}]`,
      details: { path, dims, channels },
    });
  }
  if (shape.length === spatialAxes + 1 && shape[0] === channels) return sized(shape.slice(1));
  if (shape.length === spatialAxes + 1 && shape.at(-1) === channels)
    return sized(shape.slice(0, -1), true);
  throw refusal("ERR_ARRAY_SHAPE", {
    expected: `an array of shape [${channels}, ${axes}], [1, ${channels}, ${axes}] or [${axes}, ${channels}]${channels === 1 ? ` or [${axes}]` : ""}`,
    found: `'${path}' has shape [${dims.join(", ")}]`,
    wayOut: "transpose it first",
    details: { path, dims, channels },
  });
}
