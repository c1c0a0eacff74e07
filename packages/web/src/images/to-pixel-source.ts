import { AsmaError } from "@onnx-asma/core";
import type { PixelSource } from "../messages.ts";

/** What `readImage` takes: a file, pixels, or a canvas that holds them. */
export type ImageSource = Blob | ImageData | ImageBitmap | HTMLCanvasElement | OffscreenCanvas;

/**
 * What can be sent to the worker, for any image source. A canvas is copied; the caller keeps all.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE for anything else, or an empty or tainted canvas
 */
export async function toPixelSource(source: ImageSource): Promise<PixelSource> {
  if (source instanceof Blob || source instanceof ImageData) {
    return source;
  }
  const isCanvas =
    source instanceof ImageBitmap ||
    (typeof HTMLCanvasElement !== "undefined" && source instanceof HTMLCanvasElement) ||
    (typeof OffscreenCanvas !== "undefined" && source instanceof OffscreenCanvas);
  if (!isCanvas) {
    throw new AsmaError(
      "ERR_IMAGE_UNREADABLE",
      "Expected a File, Blob, ImageData, ImageBitmap or canvas: fetch an address first, await (await fetch(url)).blob().",
    );
  }
  try {
    return await createImageBitmap(source, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch (cause) {
    throw new AsmaError(
      "ERR_IMAGE_UNREADABLE",
      `The canvas or bitmap gives no pixels: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
}
