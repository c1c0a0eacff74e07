import { refusal } from "./errors.ts";

/** The default limit on the pixels of an image, or the voxels of a volume, that is decoded: 64 megapixels. */
export const defaultMaxPixels = 64_000_000;

/**
 * Checks a size that a file claims, before anything of that size is allocated.
 *
 * @param name the file in messages, or "the image"
 * @param size height and width, of volumes with a depth before them
 * @throws AsmaError ERR_IMAGE_UNREADABLE for an empty image, ERR_IMAGE_TOO_LARGE beyond `maxPixels`, ERR_OPTION for
 *   a limit that is none
 */
export function checkImageSize(
  name: string,
  size: readonly number[],
  maxPixels = defaultMaxPixels,
): void {
  if (!(maxPixels > 0)) {
    throw refusal("ERR_OPTION", {
      expected: "a number of pixels above 0 for `maxPixels`",
      found: `found ${String(maxPixels)}`,
    });
  }
  const pixels = size.reduce((n, d) => n * d, 1);
  const claimed = size.toReversed().join("x");
  if (!size.every((extent) => extent >= 1)) {
    throw refusal("ERR_IMAGE_UNREADABLE", {
      expected: "an image with pixels",
      found: `${name} claims ${claimed}`,
      wayOut: "save it again from the program it came from",
      details: { name, size },
    });
  }
  if (pixels > maxPixels) {
    throw refusal("ERR_IMAGE_TOO_LARGE", {
      expected: `at most ${megapixels(maxPixels)} megapixels`,
      found: `${name} claims ${claimed} (${megapixels(pixels)} megapixels)`,
      wayOut: "crop or shrink it first, or raise the limit",
      details: { name, size, maxPixels },
    });
  }
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toLocaleString("en", { maximumFractionDigits: pixels < 1e6 ? 6 : 1 });
}
