import { AsmaError } from "./errors.ts";
import { sizeOf, type ImageTensor } from "./image.ts";

/** Interleaved integer samples of an image without alpha, as PNG encoders take them. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly depth: 8 | 16;
  readonly data: Uint8Array | Uint16Array;
}

/**
 * Rounds an image to the levels of a file: values are clipped to [0, 1] and go to the nearest of
 * `levels`, so that an image that was read from such a file comes back bit for bit.
 *
 * @throws AsmaError ERR_IMAGE_CHANNELS when C is neither 1 nor 3, ERR_ARRAY_SHAPE, ERR_IMAGE_RANGE for NaN
 */
export function toSamples(image: ImageTensor, levels: 256 | 65536): Samples {
  const [, channels] = image.dims;
  const [height, width] = sizeOf(image);
  if (image.dims.length !== 4) {
    throw new AsmaError(
      "ERR_IMAGE_CHANNELS",
      `Expected an image of dims [1, C, H, W] but found a volume [${image.dims.join(", ")}]: write it as .npy instead.`,
      { details: { dims: image.dims } },
    );
  }
  const pixels = height * width;
  if (!Number.isInteger(pixels) || channels * pixels !== image.data.length) {
    throw new AsmaError(
      "ERR_ARRAY_SHAPE",
      `Expected the image to hold as many values as its dims [${image.dims.join(", ")}] say but it holds ${image.data.length}.`,
      { details: { dims: image.dims, length: image.data.length } },
    );
  }
  if (channels !== 1 && channels !== 3) {
    throw new AsmaError(
      "ERR_IMAGE_CHANNELS",
      `Expected 1 or 3 channels for a PNG but the image has ${channels}: write it as .npy instead.`,
      { details: { channels } },
    );
  }
  const max = levels - 1;
  const data = new (levels === 65_536 ? Uint16Array : Uint8Array)(pixels * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      const value = image.data[c * pixels + i] as number;
      if (Number.isNaN(value)) {
        throw new AsmaError(
          "ERR_IMAGE_RANGE",
          `Expected pixel values in [0, 1] but the image holds NaN (channel ${c}, pixel ${i}).`,
          { details: { channel: c, pixel: i } },
        );
      }
      data[i * channels + c] = Math.round(Math.min(Math.max(value, 0), 1) * max);
    }
  }
  return { width, height, channels, depth: levels === 65_536 ? 16 : 8, data };
}
