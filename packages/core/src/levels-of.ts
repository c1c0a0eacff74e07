import type { ImageTensor } from "./image.ts";

/**
 * How many values a channel of an image can take, `undefined` for floating point.
 *
 * What the image says of itself counts. An image that says nothing has 256 levels when each of its values
 * is k/255 rounded to float32 for a whole k from 0 to 255, otherwise 65536 when each is such a k/65535.
 */
export function levelsOf({ data, levels }: ImageTensor): number | undefined {
  if (levels !== undefined) {
    return levels === Infinity ? undefined : levels;
  }
  // Each level of 8 bits is one of 16, since 65535 = 257 · 255: what was seen before a change fits too.
  let max = 255;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (isLevel(value, max)) {
      continue;
    }
    if (max === 65_535 || !isLevel(value, 65_535)) {
      return undefined;
    }
    max = 65_535;
  }
  return max + 1;
}

/** Whether a float32 is k/max, rounded, for a whole k from 0 to max. */
function isLevel(value: number, max: number): boolean {
  return value >= 0 && value <= 1 && Math.fround(Math.round(value * max) / max) === value;
}
