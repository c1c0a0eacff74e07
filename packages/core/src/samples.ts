import { checkCount, checkImageTensor } from "./check-array.ts";
import { refusal } from "./errors.ts";
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
 * @throws AsmaError ERR_IMAGE_CHANNELS when C is neither 1 nor 3, ERR_ARRAY_SHAPE, ERR_ARRAY_DTYPE,
 *   ERR_IMAGE_RANGE for NaN
 */
export function toSamples(image: ImageTensor, levels: 256 | 65536): Samples {
  checkImageTensor(image, "the image");
  const [, channels] = image.dims;
  const [height, width] = sizeOf(image);
  if (image.dims.length !== 4) {
    throw refusal("ERR_IMAGE_CHANNELS", {
      expected: "an image of dims [1, C, H, W]",
      found: `found a volume [${image.dims.join(", ")}]`,
      wayOut: "write it as .npy instead",
      details: { dims: image.dims },
    });
  }
  const pixels = height * width;
  checkCount(image, "the image");
  if (channels !== 1 && channels !== 3) {
    throw refusal("ERR_IMAGE_CHANNELS", {
      expected: "1 or 3 channels for a PNG",
      found: `the image has ${channels}`,
      wayOut: "write it as .npy instead",
      details: { channels },
    });
  }
  const max = levels - 1;
  const data = new (levels === 65_536 ? Uint16Array : Uint8Array)(pixels * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      const value = image.data[c * pixels + i] as number;
      if (Number.isNaN(value)) {
        throw refusal("ERR_IMAGE_RANGE", {
          expected: "pixel values in [0, 1]",
          found: `the image holds NaN (channel ${c}, pixel ${i})`,
          details: { channel: c, pixel: i },
        });
      }
      data[i * channels + c] = Math.round(Math.min(Math.max(value, 0), 1) * max);
    }
  }
  return { width, height, channels, depth: levels === 65_536 ? 16 : 8, data };
}
