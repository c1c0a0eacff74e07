import { decode } from "fast-png";
import { AsmaError, checkImageSize, type ImageTensor, refusal } from "@onnx-asma/core";
import { imageFromNpy } from "@onnx-asma/core/npy";
import type { PixelSource } from "../worker/messages.ts";

/** Interleaved samples: grey, grey and alpha, RGB or RGBA. */
interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly max: 255 | 65535;
  readonly data: ArrayLike<number>;
}

/** What a model takes. */
export interface ImageShape {
  readonly channels: number;
  /** 2, or 3 for volumes. */
  readonly spatialAxes: 2 | 3;
}

/**
 * Decodes an image as float32 [1, C, H, W] in [0, 1], without colour management and without ever
 * multiplying by alpha: PNG of 8 and 16 bits by its bytes, `.npy` arrays as `imageFromNpy` does, all else
 * by the browser. EXIF orientation is applied. Opaque alpha is dropped; grey becomes three equal channels
 * where the model takes RGB. Volumes, and images of other than 1 or 3 channels, come as `.npy` only.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_ALPHA, ERR_IMAGE_CHANNELS, and
 *   as `imageFromNpy` does
 */
export async function decodeImage(pixels: PixelSource, shape: ImageShape): Promise<ImageTensor> {
  if (!(pixels instanceof Blob)) {
    checkPicture(shape);
    const raster =
      pixels instanceof ImageData ? rasterOfCanvasData(pixels) : rasterOfBitmap(pixels);
    return toTensor(raster, shape.channels);
  }
  const bytes = new Uint8Array(await pixels.arrayBuffer());
  const known = decodeExactly(bytes, shape, pixels instanceof File ? pixels.name : "the image");
  if (known !== undefined) {
    return known;
  }
  checkPicture(shape);
  return toTensor(rasterOfBitmap(await openBitmap(pixels)), shape.channels);
}

/**
 * Decodes the bytes of a file that we wrote, or of any PNG with 8 or 16 bits per sample and no palette, or
 * any `.npy` array.
 *
 * @throws AsmaError as {@link decodeImage}
 */
export function decodeFile(bytes: Uint8Array, shape: ImageShape): ImageTensor {
  const image = decodeExactly(bytes, shape, "the file");
  if (image === undefined) {
    throw unreadable("they are neither a PNG of 8 or 16 bits per sample nor an .npy array");
  }
  return image;
}

/** An image whose file holds its samples as they are; `undefined` for other formats. */
function decodeExactly(
  bytes: Uint8Array,
  shape: ImageShape,
  name: string,
): ImageTensor | undefined {
  if (startsWith(bytes, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) {
    const { data, dims } = imageFromNpy(bytes, name, shape);
    return { data, dims };
  }
  const raster = isPng(bytes) ? rasterOfPng(bytes) : undefined;
  if (raster === undefined) {
    return undefined;
  }
  checkPicture(shape);
  return toTensor(raster, shape.channels);
}

function checkPicture({ channels, spatialAxes }: ImageShape): void {
  if (spatialAxes === 3 || (channels !== 1 && channels !== 3)) {
    const axes = spatialAxes === 3 ? "D, H, W" : "H, W";
    throw refusal("ERR_IMAGE_CHANNELS", {
      expected: `an image of ${channels} channels${spatialAxes === 3 ? " with depth" : ""}, as the model does`,
      found: "pictures have 1 or 3",
      wayOut: `bring it as .npy of shape [${channels}, ${axes}]`,
      details: { expected: channels },
    });
  }
}

async function openBitmap(blob: Blob): Promise<ImageBitmap> {
  if (blob.size === 0) {
    throw unreadable("the file is empty");
  }
  try {
    return await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (cause) {
    throw unreadable("this browser cannot decode it", cause);
  }
}

function isPng(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0x89, 0x50, 0x4e, 0x47);
}

function startsWith(bytes: Uint8Array, ...signature: number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/** Samples of a PNG, `undefined` where they are packed or indices: the browser unpacks those. */
function rasterOfPng(bytes: Uint8Array): Raster | undefined {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) {
    throw unreadable("the PNG ends in its header");
  }
  checkImageSize("the image", [header.getUint32(20), header.getUint32(16)]);
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw unreadable("the PNG is damaged", cause);
  }
  const { width, height, channels, depth, data } = png;
  if ((depth !== 8 && depth !== 16) || png.palette !== undefined || png.transparency?.length) {
    return undefined;
  }
  return { width, height, channels, max: depth === 16 ? 65535 : 255, data };
}

function rasterOfBitmap(bitmap: ImageBitmap): Raster {
  const { width, height } = bitmap;
  checkImageSize("the image", [height, width]);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw unreadable("the browser gives no canvas of that size");
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return rasterOfCanvasData(context.getImageData(0, 0, width, height));
}

function rasterOfCanvasData({ width, height, data }: ImageData): Raster {
  checkImageSize("the image", [height, width]);
  if (!(data instanceof Uint8ClampedArray)) {
    throw unreadable("its ImageData has no 8-bit samples");
  }
  return { width, height, channels: 4, max: 255, data };
}

function toTensor(raster: Raster, channels: number): ImageTensor {
  const { width, height, max, data, channels: stride } = raster;
  const pixels = width * height;
  const [colours, hasAlpha] = [stride < 3 ? 1 : 3, stride % 2 === 0];
  if (hasAlpha) {
    checkOpaque(raster);
  }
  if (colours === 3 && channels === 1) {
    checkGrey(raster);
  }
  const planes = new Float32Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    const from = colours === 1 ? 0 : c;
    for (let i = 0; i < pixels; i++) {
      planes[c * pixels + i] = (data[i * stride + from] as number) / max;
    }
  }
  return { data: planes, dims: [1, channels, height, width] };
}

function checkOpaque({ data, channels, max }: Raster): void {
  let transparent = 0;
  for (let i = channels - 1; i < data.length; i += channels) {
    transparent += data[i] === max ? 0 : 1;
  }
  if (transparent > 0) {
    throw refusal("ERR_IMAGE_ALPHA", {
      expected: "an opaque image",
      found: `${transparent} of its pixels are transparent`,
      wayOut: "flatten it onto a background first",
      details: { transparentPixels: transparent },
    });
  }
}

function checkGrey({ data, channels }: Raster): void {
  for (let i = 0; i < data.length; i += channels) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) {
      throw refusal("ERR_IMAGE_CHANNELS", {
        expected: "grey (1 channel) as the model does",
        found: "the image is RGB",
        wayOut: "convert it to grey first",
        details: { expected: 1, found: 3 },
      });
    }
  }
}

function unreadable(found: string, cause?: unknown): AsmaError {
  return refusal("ERR_IMAGE_UNREADABLE", {
    expected: "an image that the browser reads (PNG, JPEG, WebP, …)",
    found,
    wayOut: "save it again from the program it came from",
    cause,
  });
}
