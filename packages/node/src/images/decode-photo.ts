import type { PictureHost } from "@onnx-asma/core/picture-file";

/**
 * Decodes a JPEG or WebP with libjpeg-turbo or libwebp, by sharp: grey JPEGs as one channel, the rest as RGB or with
 * alpha. The EXIF orientation of a JPEG is applied, colour profiles are not.
 */
export const decodePhoto: PictureHost["decodePhoto"] = async (bytes, format) => {
  const { default: sharp } = await import("sharp");
  // The header was checked against the caller's own limit.
  const options = { ignoreIcc: true, limitInputPixels: false, failOn: "warning" } as const;
  const picture = sharp(bytes, options);
  const { space } = await picture.metadata();
  const { data, info } = await (format === "jpeg" ? picture.autoOrient() : picture)
    .toColourspace(space === "b-w" ? "b-w" : "srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: info.channels, data };
};
