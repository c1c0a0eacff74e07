import { AsmaError, refusal } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import { checkOpaque, type Picture, type Raster } from "./raster.ts";

/** What a model takes. */
export interface ImageShape {
  /** Channels; a picture has 1 (grey) or 3 (RGB). @default those of the picture */
  readonly channels?: number;
  /** 2, or 3 for volumes, which are no pictures. @default 2 */
  readonly spatialAxes?: 2 | 3;
}

/** An image of known levels. */
export interface PictureImage extends ImageTensor {
  /** 256 or 65536, `Infinity` for floating point. */
  readonly levels: number;
  /** Pages of its file, where it has several; the image is the first one. */
  readonly pages?: number;
}

/**
 * Decodes a picture as float32 [1, C, H, W] in [0, 1]: v/255 or v/65535, rounded to float32, or the
 * floating-point values as they are.
 *
 * A fully opaque alpha channel is dropped. An RGB picture whose three channels are equal everywhere
 * counts as grey for a model of one channel; a grey one is refused by a model of three. Embedded colour
 * profiles and gamma are not applied: models are trained on stored samples.
 *
 * @param name the file in messages, such as "'scan.png'" or "the image"
 * @throws AsmaError ERR_IMAGE_CHANNELS, ERR_IMAGE_ALPHA, ERR_IMAGE_RANGE for floating-point values outside [0, 1],
 *   ERR_IMAGE_BIT_DEPTH for integers that say no brightness, ERR_ARRAY_SHAPE where the model takes volumes, and
 *   what `picture.decode` throws
 */
export async function imageOfPicture(
  name: string,
  picture: Picture,
  { channels = picture.grey ? 1 : 3, spatialAxes }: ImageShape = {},
): Promise<PictureImage> {
  if (spatialAxes === 3) {
    throw new AsmaError(
      "ERR_ARRAY_SHAPE",
      `Expected a volume as the model does but ${name} is a picture: bring it as .npy of shape [${channels}, D, H, W].`,
      { details: { name } },
    );
  }
  if (channels !== 1 && channels !== 3) {
    const wayOut = `bring the image as .npy of shape [${channels}, H, W]`;
    throw channelError(name, channels, picture.grey ? 1 : 3, wayOut);
  }
  if (picture.grey && channels === 3) {
    throw channelError(name, 3, 1, "save it as RGB first");
  }
  const raster = await picture.decode();
  if (raster.labelsOnly) {
    throw raster.labelsOnly;
  }
  checkOpaque(name, raster);
  if (raster.channels === 3 && channels === 1 && !hasEqualChannels(raster)) {
    throw channelError(name, 1, 3, "convert it to grey first");
  }
  const { height, width, bitDepth } = raster;
  if (bitDepth === 32) {
    checkRange(name, raster);
  }
  const levels = bitDepth === 32 ? Infinity : 2 ** bitDepth;
  const data = toPlanes(raster, channels);
  const image: PictureImage = { data, dims: [1, channels, height, width], levels };
  const { pages = 1 } = picture;
  return pages > 1 ? { ...image, pages } : image;
}

function channelError(name: string, expected: number, found: number, wayOut: string): AsmaError {
  const inWords = (n: number): string =>
    n === 1 ? "grey (1 channel)" : n === 3 ? "RGB (3 channels)" : `${n} channels`;
  return new AsmaError(
    "ERR_IMAGE_CHANNELS",
    `Expected ${inWords(expected)} as the model does but ${name} is ${inWords(found)}: ${wayOut}.`,
    { details: { name, expected, found } },
  );
}

function hasEqualChannels({ data }: Raster): boolean {
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) {
      return false;
    }
  }
  return true;
}

function checkRange(name: string, { data }: Raster): void {
  for (const value of data) {
    if (!(value >= 0 && value <= 1)) {
      throw refusal("ERR_IMAGE_RANGE", {
        expected: "pixel values in [0, 1]",
        found: `${name} holds ${value}`,
        wayOut: "scale them to [0, 1], or store integers of 8 or 16 bits",
        details: { name, value },
      });
    }
  }
}

/** Interleaved samples to planes of float32 in [0, 1]; of an RGB raster as grey, the first channel. */
function toPlanes(raster: Raster, channels: number): Float32Array {
  const { data, channels: stride } = raster;
  const max = raster.bitDepth === 32 ? 1 : 2 ** raster.bitDepth - 1;
  const pixels = raster.height * raster.width;
  const planes = new Float32Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      planes[c * pixels + i] = (data[i * stride + c] as number) / max;
    }
  }
  return planes;
}
