import { levelsOf, type ImageTensor } from "@onnx-asma/core";

/** The values of an image that are shown as black and as white, in [0, 1]. */
export interface DisplayWindow {
  readonly low: number;
  readonly high: number;
}

/** Shown as they are. */
export const wholeRange: DisplayWindow = { low: 0, high: 1 };

/** Narrower images are spread out. */
const narrow = 0.5;

/**
 * The window that an image is shown in. One of 8 bits is shown as it is. Of others the values often fill a small
 * part of the range (12 of 16 bits): where all but four thousandths lie within half of it, these are spread from
 * black to white.
 */
export function displayWindow(image: ImageTensor): DisplayWindow {
  if (levelsOf(image) === 256) {
    return wholeRange;
  }
  const sorted = image.data.filter((value) => Number.isFinite(value)).toSorted();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.002), at(0.998)];
  return high > low && high - low < narrow ? { low, high } : wholeRange;
}
