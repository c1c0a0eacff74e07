import type { Decoder, FileImage } from "../picture/file-image.ts";
import type { PictureImage } from "../picture/image-of-picture.ts";

/** An image with what is known of its file. */
export function describeFileImage(
  image: PictureImage,
  format: string,
  decoder: Decoder,
): FileImage {
  const { levels } = image;
  const bitDepth = levels === 256 ? 8 : levels === 65_536 ? 16 : 32;
  return { ...image, bitDepth, format, decoder };
}
