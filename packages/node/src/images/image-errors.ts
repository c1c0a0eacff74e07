import { AsmaError } from "@onnx-asma/core";

/** The default limit on the pixels (height x width) of an image: 64 megapixels. */
export const defaultMaxPixels = 64_000_000;

/** An image or mask file that cannot be decoded: ERR_IMAGE_UNREADABLE. */
export function unreadable(path: string, found: string, cause?: unknown): AsmaError {
  const message =
    `Expected a PNG, JPEG, BMP, TIFF, GIF or .npy file but '${path}' ${found}: ` +
    "save it again from the program it came from.";
  return new AsmaError("ERR_IMAGE_UNREADABLE", message, { cause, details: { path } });
}

/**
 * Checks a size that a file claims, before anything of that size is allocated.
 *
 * @throws AsmaError ERR_IMAGE_UNREADABLE for an empty image, ERR_IMAGE_TOO_LARGE beyond `maxPixels`.
 */
export function assertSize(path: string, height: number, width: number, maxPixels: number): void {
  if (!(height >= 1 && width >= 1))
    throw unreadable(path, `claims ${height} rows of ${width} pixels`);
  if (height * width <= maxPixels) return;
  throw new AsmaError(
    "ERR_IMAGE_TOO_LARGE",
    `Expected at most ${megapixels(maxPixels)} megapixels but '${path}' claims ${width}x${height} ` +
      `(${megapixels(height * width)} megapixels): crop or shrink it first, or raise the limit.`,
    { details: { path, height, width, maxPixels } },
  );
}

/** As {@link assertSize}, for images and volumes. */
export function assertExtent(path: string, size: readonly number[], maxPixels: number): void {
  const [width, ...others] = size.toReversed() as [number, ...number[]];
  assertSize(
    path,
    others.reduce((n, d) => n * d, 1),
    width,
    maxPixels,
  );
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toLocaleString("en", { maximumFractionDigits: pixels < 1e6 ? 6 : 1 });
}
