import {
  openPictureFile,
  watchDecoder,
  type Decoder,
  type PictureFile,
} from "@onnx-asma/core/picture-file";
import { decodeFax } from "./decode-fax.ts";
import { decodePhoto } from "./decode-photo.ts";
import { inflate } from "./inflate.ts";

/** A picture, and what decoded it, once it is decoded. */
export interface OpenedPicture {
  readonly picture: PictureFile;
  decoder(): Promise<Decoder>;
}

const host = { inflate, decodePhoto, decodeFax };

/**
 * Opens an image file from its bytes, see `openPictureFile` of core.
 *
 * @param path names it in messages
 */
export function openPicture(path: string, bytes: Uint8Array, maxPixels: number): OpenedPicture {
  const watched = watchDecoder(host, sharpVersions);
  const picture = openPictureFile(bytes, `'${path}'`, { host: watched.host, maxPixels });
  return { picture, decoder: watched.decoder };
}

async function sharpVersions(): Promise<Decoder> {
  const { default: sharp } = await import("sharp");
  const { sharp: version, vips, mozjpeg, webp, tiff } = sharp.versions;
  const libraries = { libvips: vips, mozjpeg, libwebp: webp, libtiff: tiff };
  const named = Object.entries(libraries).flatMap(([name, of]) => (of ? [`${name} ${of}`] : []));
  return { name: "sharp", version: `${version} (${named.join(", ")})` };
}
