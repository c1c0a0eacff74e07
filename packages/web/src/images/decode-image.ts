import { AsmaError, type ImageTensor } from "@onnx-asma/core";
import { checkImageSize } from "@onnx-asma/core/image-size";
import { imageFromNpy } from "@onnx-asma/core/npy";
import {
  checkPictureHeader,
  imageOfPicture,
  isPng,
  openPng,
  rasterOfRgba,
  readJpegHeader,
  type ImageShape,
  type Picture,
  type Raster,
} from "@onnx-asma/core/png";
import type { PixelSource } from "../messages.ts";
import { inflate } from "./inflate.ts";

/**
 * Decodes an image as float32 [1, C, H, W] in [0, 1], without colour management and without ever
 * multiplying by alpha: PNG of every kind by its bytes, `.npy` arrays as `imageFromNpy` does, all else by
 * the browser. EXIF orientation is applied. Opaque alpha is dropped. Volumes, and images of other than 1 or
 * 3 channels, come as `.npy` only; grey PNG and JPEG files are refused by models that take RGB, while
 * pixels of a canvas, which are RGB always, are taken by both.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE, ERR_IMAGE_BIT_DEPTH, and
 *   as `imageOfPicture` and `imageFromNpy` do
 */
export async function decodeImage(pixels: PixelSource, shape: ImageShape): Promise<ImageTensor> {
  if (!(pixels instanceof Blob)) {
    return await imageOfPicture("the image", pictureOfPixels(pixels), shape);
  }
  const path = pixels instanceof File ? pixels.name : undefined;
  const name = path === undefined ? "the image" : `'${path}'`;
  const bytes = new Uint8Array(await pixels.arrayBuffer());
  return (
    (await decodeExactly(bytes, shape, name, path)) ??
    (await imageOfPicture(name, openEncoded(pixels, bytes, name), shape))
  );
}

/**
 * Decodes the bytes of a file that we wrote, or of any PNG or `.npy` array.
 *
 * @throws AsmaError as {@link decodeImage}
 */
export async function decodeFile(bytes: Uint8Array, shape: ImageShape): Promise<ImageTensor> {
  const image = await decodeExactly(bytes, shape, "the file");
  if (image === undefined) {
    throw unreadable("the file", "is neither a PNG nor an .npy array");
  }
  return image;
}

/** An image whose file holds its samples as they are; `undefined` for other formats. */
async function decodeExactly(
  bytes: Uint8Array,
  shape: ImageShape,
  name: string,
  path = name,
): Promise<ImageTensor | undefined> {
  if (startsWith(bytes, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) {
    return imageFromNpy(bytes, path, shape);
  }
  return isPng(bytes)
    ? await imageOfPicture(name, openPng(bytes, name, { inflate }), shape)
    : undefined;
}

/** A picture that the browser decodes. */
function openEncoded(blob: Blob, bytes: Uint8Array, name: string): Picture {
  if (blob.size === 0) {
    throw unreadable(name, "is empty");
  }
  return {
    grey: startsWith(bytes, 0xff, 0xd8, 0xff) && isGreyJpeg(bytes, name),
    decode: async () => rasterOfBitmap(await decodeBitmap(blob, name)),
  };
}

function isGreyJpeg(bytes: Uint8Array, name: string): boolean {
  let header: ReturnType<typeof readJpegHeader>;
  try {
    header = readJpegHeader(bytes);
  } catch (cause) {
    throw unreadable(name, "is a truncated or damaged JPEG", cause);
  }
  checkPictureHeader(name, "JPEG", header);
  if (header.truncated) {
    throw unreadable(name, "is a truncated JPEG");
  }
  return header.colour === "grey";
}

async function decodeBitmap(blob: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (cause) {
    throw unreadable(name, "cannot be decoded by this browser", cause);
  }
}

function pictureOfPixels(pixels: ImageData | ImageBitmap): Picture {
  return {
    grey: false,
    decode: async () =>
      pixels instanceof ImageData ? rasterOfImageData(pixels) : rasterOfBitmap(pixels),
  };
}

function rasterOfBitmap(bitmap: ImageBitmap): Raster {
  const { width, height } = bitmap;
  checkImageSize("the image", [height, width]);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw unreadable("the image", "is of a size that the browser gives no canvas of");
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return rasterOfImageData(context.getImageData(0, 0, width, height));
}

function rasterOfImageData({ width, height, data }: ImageData): Raster {
  checkImageSize("the image", [height, width]);
  if (!(data instanceof Uint8ClampedArray)) {
    throw unreadable("the image", "is ImageData without 8-bit samples");
  }
  return rasterOfRgba(data, [height, width]);
}

function startsWith(bytes: Uint8Array, ...signature: number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

function unreadable(name: string, found: string, cause?: unknown): AsmaError {
  return new AsmaError(
    "ERR_IMAGE_UNREADABLE",
    `Expected an image that the browser reads (PNG, JPEG, WebP, …) but ${name} ${found}: save it again from the program it came from.`,
    { cause },
  );
}
