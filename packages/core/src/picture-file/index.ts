/**
 * Image files of every format that is read, for every host; an entry of its own, since many applications need none.
 *
 * @module
 */
export { readJpegHeader } from "../picture/jpeg-header.ts";
export type { Decoder, FileImage } from "../picture/file-image.ts";
export type { DecodedPixels, OpenPictureOptions, PictureHost } from "../picture/picture-host.ts";
export { describeFileImage } from "./describe-file-image.ts";
export { openPictureFile, type PictureFile } from "./open-picture-file.ts";
export { ownDecoder, watchDecoder } from "./watch-decoder.ts";
export { sniffFormat, type PictureFormat } from "./sniff-format.ts";
