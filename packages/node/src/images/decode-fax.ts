import type { PictureHost } from "@onnx-asma/core/picture-file";

/** Decodes a TIFF of 1 bit that is compressed as faxes are, with libtiff, by sharp. */
export const decodeFax: NonNullable<PictureHost["decodeFax"]> = async (bytes) => {
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(bytes, { limitInputPixels: false, failOn: "warning" })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: info.channels, data };
};
