import type { ImageTensor, LabelMap } from "@onnx-asma/core";
import { checkImageSize } from "@onnx-asma/core/image-size";
import { decodeMask, type ClassOptions } from "@onnx-asma/core/mask-file";
import { imageFromNpy } from "@onnx-asma/core/npy";
import {
  describeFileImage,
  openPictureFile,
  ownDecoder,
  sniffFormat,
  watchDecoder,
  type Decoder,
} from "@onnx-asma/core/picture-file";
import {
  imageOfPicture,
  openPng,
  rasterOfRgba,
  type ImageShape,
  type Picture,
  type Raster,
} from "@onnx-asma/core/png";
import type { PixelSource, ReadImage } from "../messages.ts";
import { decodePhoto } from "./decode-photo.ts";
import { imageDataOf } from "./image-data-of.ts";
import { inflate } from "./inflate.ts";
import { unreadable } from "./unreadable.ts";

/**
 * Decodes an image as float32 [1, C, H, W] in [0, 1], without colour management and without ever
 * multiplying by alpha: the formats of `openPictureFile`, JPEG and WebP by the browser, and `.npy` arrays as
 * `imageFromNpy` does. The orientation of EXIF and TIFF is applied. Opaque alpha is dropped. Volumes, and images of
 * other than 1 or 3 channels, come as `.npy` only; grey files are refused by models that take RGB, while
 * pixels of a canvas, which are RGB always, are taken by both.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE,
 *   ERR_IMAGE_BIT_DEPTH, and as `imageOfPicture` and `imageFromNpy` do
 */
export async function decodeImage(pixels: PixelSource, shape: ImageShape): Promise<ReadImage> {
  if (!(pixels instanceof Blob)) {
    const image = await imageOfPicture("the image", pictureOfPixels(pixels), shape);
    return describeFileImage(image, "pixels", browser());
  }
  const path = pixels instanceof File ? pixels.name : undefined;
  const name = path === undefined ? "the image" : `'${path}'`;
  const bytes = new Uint8Array(await pixels.arrayBuffer());
  if (sniffFormat(bytes) === "npy") {
    return describeFileImage(imageFromNpy(bytes, path ?? name, shape), "npy", ownDecoder);
  }
  const { host, decoder } = watchDecoder({ inflate, decodePhoto }, async () => browser());
  const picture = openPictureFile(bytes, name, { host });
  const image = await imageOfPicture(name, picture, shape);
  return describeFileImage(image, picture.format, await decoder());
}

function browser(): Decoder {
  return { name: "browser", version: navigator.userAgent };
}

/**
 * Decodes the bytes of a file that we wrote, or of any PNG or `.npy` array.
 *
 * @throws AsmaError as {@link decodeImage}
 */
export async function decodeFile(bytes: Uint8Array, shape: ImageShape): Promise<ImageTensor> {
  const name = "the file";
  switch (sniffFormat(bytes)) {
    case "npy":
      return imageFromNpy(bytes, name, shape);
    case "png":
      return await imageOfPicture(name, openPng(bytes, name, { inflate }), shape);
    default:
      throw unreadable(name, "is neither a PNG nor an .npy array");
  }
}

/**
 * Decodes a target mask, of a volume where the model takes volumes.
 *
 * @throws AsmaError as `decodeMask`
 */
export async function decodeMaskFile(
  file: Blob,
  options: ClassOptions,
  { spatialAxes = 2 }: ImageShape,
): Promise<LabelMap> {
  const path = file instanceof File ? file.name : "the mask";
  const bytes = new Uint8Array(await file.arrayBuffer());
  return await decodeMask(path, bytes, { ...options, spatialAxes }, (picture, maxPixels) =>
    openPictureFile(picture, `'${path}'`, { host: { inflate, decodePhoto }, maxPixels }),
  );
}

function pictureOfPixels(pixels: ImageData | ImageBitmap): Picture {
  return {
    grey: false,
    decode: async () =>
      pixels instanceof ImageData ? rasterOfImageData(pixels) : rasterOfBitmap(pixels),
  };
}

function rasterOfBitmap(bitmap: ImageBitmap): Raster {
  return rasterOfImageData(imageDataOf(bitmap));
}

function rasterOfImageData({ width, height, data }: ImageData): Raster {
  checkImageSize("the image", [height, width]);
  if (!(data instanceof Uint8ClampedArray)) {
    throw unreadable("the image", "is ImageData without 8-bit samples");
  }
  return rasterOfRgba(data, [height, width]);
}
