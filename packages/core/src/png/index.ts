/**
 * Images as PNG, and the way of all pictures from pixels to a tensor; an entry of its own, since many
 * applications need none.
 *
 * @module
 */
export { encodeImage, imageFormatOf, type ImageFormat } from "./encode-image.ts";
export { checkPictureHeader, type PictureHeader } from "../picture/check-picture-header.ts";
export { readJpegHeader, type JpegHeader } from "../picture/jpeg-header.ts";
export { imageOfPicture, type ImageShape, type PictureImage } from "../picture/image-of-picture.ts";
export { checkOpaque, rasterOfRgba, type Picture, type Raster } from "../picture/raster.ts";
export type { Inflate } from "../picture/picture-host.ts";
export { encodeLabelPng } from "./encode-label-png.ts";
export { encodePng, type EncodePngOptions } from "./encode-png.ts";
export { openPng, type OpenPngOptions } from "./open-png.ts";
export { isPng } from "./png-layout.ts";
