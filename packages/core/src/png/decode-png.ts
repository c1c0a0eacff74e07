import type { Inflate } from "../picture/picture-host.ts";
import { damagedPng } from "./damaged-png.ts";
import type { PngLayout } from "./png-layout.ts";

/** A PNG as it is stored: samples before any palette, scaling or colour conversion. */
export interface RawPng extends Omit<PngLayout, "interlaced" | "idat"> {
  /** Unscaled samples, length height * width * channels, row by row, channels interleaved. */
  readonly data: Uint8Array | Uint16Array;
}

/** Adam7: first column, first row, column step, row step of each pass. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Decodes a PNG of any kind to its stored samples. The pixel data is inflated to exactly the size
 * that the header promises and no further, so that a small file cannot exhaust memory.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE when the pixel data is damaged or truncated
 */
export async function decodePng(
  { interlaced, idat, ...layout }: PngLayout,
  name: string,
  inflate: Inflate,
): Promise<RawPng> {
  const { height, width, depth, channels } = layout;
  const passes = (interlaced ? adam7 : ([[0, 0, 1, 1]] as const))
    .map(([x, y, dx, dy]) => ({
      x,
      y,
      dx,
      dy,
      w: Math.ceil((width - x) / dx),
      h: Math.ceil((height - y) / dy),
    }))
    .filter(({ w, h }) => w > 0 && h > 0);
  const rowBytes = (w: number): number => Math.ceil((w * channels * depth) / 8);
  const expected = passes.reduce((sum, { w, h }) => sum + h * (1 + rowBytes(w)), 0);
  let raw: Uint8Array;
  try {
    raw = await inflate(idat, expected);
  } catch (cause) {
    throw damagedPng(name, "is a damaged PNG (its pixel data does not inflate to its size)", cause);
  }
  if (raw.length < expected) {
    throw damagedPng(name, "is a truncated PNG (pixel rows are missing)");
  }

  const data = new (depth === 16 ? Uint16Array : Uint8Array)(height * width * channels);
  const step = Math.max(1, (channels * depth) >> 3);
  let at = 0;
  for (const { x, y, dx, dy, w, h } of passes) {
    const length = rowBytes(w);
    let previous: Uint8Array = new Uint8Array(length);
    for (let row = 0; row < h; row++) {
      const filter = raw[at] ?? 0;
      if (filter > 4) throw damagedPng(name, "holds a PNG row with an unknown filter");
      const line = raw.subarray(at + 1, at + 1 + length);
      unfilter(filter, line, previous, step);
      scatter(line, data, {
        start: ((y + row * dy) * width + x) * channels,
        dx,
        w,
        channels,
        depth,
      });
      previous = line;
      at += 1 + length;
    }
  }
  const entries = layout.palette ? layout.palette.length / 3 : Infinity;
  if (layout.colour === "palette" && data.some((index) => index >= entries)) {
    throw damagedPng(name, "is a damaged PNG (a pixel points outside the palette)");
  }
  return { ...layout, data };
}

/** Undoes one row's filter in place; `step` is the distance in bytes to the pixel on the left. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const a = i >= step ? (line[i - step] as number) : 0;
    const b = above[i] as number;
    let predicted = a;
    if (filter === 2) predicted = b;
    else if (filter === 3) predicted = (a + b) >> 1;
    else if (filter === 4) {
      const c = i >= step ? (above[i - step] as number) : 0;
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      predicted = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
    line[i] = (line[i] as number) + predicted;
  }
}

interface RowPlace {
  readonly start: number;
  readonly dx: number;
  readonly w: number;
  readonly channels: number;
  readonly depth: number;
}

/** Unpacks one row of samples (any depth) and lays it `dx` pixels apart from `start` on. */
function scatter(line: Uint8Array, data: Uint8Array | Uint16Array, place: RowPlace): void {
  const { start, dx, w, channels, depth } = place;
  const mask = (1 << depth) - 1;
  for (let x = 0, k = 0; x < w; x++) {
    for (let c = 0; c < channels; c++, k++) {
      const bit = k * depth;
      const sample =
        depth === 8
          ? (line[k] as number)
          : depth === 16
            ? ((line[2 * k] as number) << 8) | (line[2 * k + 1] as number)
            : ((line[bit >> 3] as number) >> (8 - depth - (bit & 7))) & mask;
      data[start + x * dx * channels + c] = sample;
    }
  }
}
