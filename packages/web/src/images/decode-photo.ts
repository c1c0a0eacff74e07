import { readJpegHeader, type PictureHost } from "@onnx-asma/core/picture-file";
import { imageDataOf } from "./image-data-of.ts";

/**
 * Decodes a JPEG or WebP with the browser's own decoder. Browsers show a JPEG whose end is missing with grey in its
 * place, so it is decoded once more with other bytes behind it: of a whole one they change nothing.
 */
export const decodePhoto: PictureHost["decodePhoto"] = async (bytes, format) => {
  const { height, width, data } = await decode(bytes, format);
  if (format === "jpeg") {
    const again = await decode(withTail(bytes), format);
    if (again.data.length !== data.length || again.data.some((v, i) => v !== data[i])) {
      throw new RangeError("pixels are missing");
    }
  }
  return { height, width, channels: 4, data };
};

async function decode(bytes: Uint8Array, format: "jpeg" | "webp"): Promise<ImageData> {
  const blob = new Blob([Uint8Array.from(bytes)], { type: `image/${format}` });
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: format === "jpeg" ? "from-image" : "none",
  });
  return imageDataOf(bitmap);
}

/** A JPEG with bytes before its end that no pixel needs. */
function withTail(bytes: Uint8Array): Uint8Array {
  const { end = bytes.length } = readJpegHeader(bytes);
  const tail = Uint8Array.from({ length: 64 }, (_, k) => 0x35 ^ ((k * 29) & 0x7f));
  const longer = new Uint8Array(bytes.length + tail.length);
  longer.set(bytes.subarray(0, end));
  longer.set(tail, end);
  longer.set(bytes.subarray(end), end + tail.length);
  return longer;
}
