import { checkImageSize } from "@onnx-asma/core/image-size";
import { unreadable } from "./unreadable.ts";

/**
 * The pixels of a bitmap, which is closed.
 *
 * @throws AsmaError ERR_IMAGE_TOO_LARGE, ERR_IMAGE_UNREADABLE where the browser gives no canvas of its size
 */
export function imageDataOf(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap;
  checkImageSize("the image", [height, width]);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw unreadable("the image", "is of a size that the browser gives no canvas of");
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
