import { openPictureFile, type PictureFile } from "@onnx-asma/core/picture-file";
import { decodeFax } from "./decode-fax.ts";
import { decodePhoto } from "./decode-photo.ts";
import { inflate } from "./inflate.ts";

const host = { inflate, decodePhoto, decodeFax };

/**
 * Opens an image file from its bytes, see `openPictureFile` of core.
 *
 * @param path names it in messages
 */
export function openPicture(path: string, bytes: Uint8Array, maxPixels: number): PictureFile {
  return openPictureFile(bytes, `'${path}'`, { host, maxPixels });
}
