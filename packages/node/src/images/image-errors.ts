import { AsmaError } from "@onnx-asma/core";

/** An image or mask file that cannot be decoded: ERR_IMAGE_UNREADABLE. */
export function unreadable(path: string, found: string, cause?: unknown): AsmaError {
  const message =
    `Expected a PNG, JPEG, BMP, TIFF, GIF or .npy file but '${path}' ${found}: ` +
    "save it again from the program it came from.";
  return new AsmaError("ERR_IMAGE_UNREADABLE", message, { cause, details: { path } });
}
