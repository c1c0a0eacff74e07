import { encode } from "fast-png";
import type { ImageTensor } from "@onnx-asma/core";
import type { Rgb } from "../images/palette.ts";
import { wholeRange, type DisplayWindow } from "./display-window.ts";

/** A picture for people: 8-bit sRGB, row by row, three bytes a pixel. */
export interface Picture {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A rectangle in pixels; `top` and `left` count from the upper left corner. */
export interface Placement {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * An image tensor (float32 [1, C, H, W] in [0, 1]) as a picture. One channel becomes grey, more than
 * three show their first three, two show as red and green.
 *
 * @param window what is shown as black and as white
 */
export function imagePicture(
  { data, dims: [, channels, height, width] }: ImageTensor,
  window: DisplayWindow = wholeRange,
): Picture {
  const pixels = height * width;
  const rgb = new Uint8Array(3 * pixels);
  const range = window.high - window.low;
  for (let c = 0; c < 3; c++) {
    const from = channels === 1 ? 0 : c;
    if (from >= channels) continue;
    for (let i = 0; i < pixels; i++) {
      rgb[3 * i + c] = toByte(((data[from * pixels + i] as number) - window.low) / range);
    }
  }
  return { rgb, width, height };
}

/** [0, 1] to 0..255, clipped and rounded; NaN becomes 0. */
export function toByte(value: number): number {
  return Math.round(Math.min(Math.max(value || 0, 0), 1) * 255);
}

/** PNG bytes of a picture (8-bit RGB). */
export function encodePicture({ rgb, width, height }: Picture): Uint8Array {
  return encode({ width, height, data: rgb, channels: 3, depth: 8 });
}

/**
 * Resizes a picture to exactly `width` x `height`: each axis averages when it shrinks (no moiré, no
 * lost single pixels) and repeats pixels when it grows (so that pixels stay visible as such).
 */
export function resizePicture(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  // One axis after the other: weights of pixels are products of theirs.
  const rows = resizeRows(picture.rgb, 3 * picture.width, spans(picture.height, height));
  const values = resizeColumns(rows, picture.width, spans(picture.width, width));
  // Quicker than Uint8Array.from.
  const rgb = new Uint8Array(values.length);
  for (let k = 0; k < rgb.length; k++) rgb[k] = Math.round(values[k] as number);
  return { rgb, width, height };
}

/** Source pixels and their weights, which sum to 1, for one target pixel. */
type Span = readonly (readonly [number, number])[];

function spans(from: number, to: number): Span[] {
  return Array.from({ length: to }, (_, k) => {
    if (to >= from) return [[Math.floor(((k + 0.5) * from) / to), 1] as const];
    const [start, end] = [(k * from) / to, ((k + 1) * from) / to];
    const first = Math.floor(start);
    const last = Math.min(from, Math.ceil(end - 1e-9));
    return Array.from({ length: last - first }, (__, j) => {
      const pixel = first + j;
      const overlap = Math.min(end, pixel + 1) - Math.max(start, pixel);
      return [pixel, overlap / (end - start)] as const;
    });
  });
}

function resizeRows(values: Uint8Array, length: number, rows: readonly Span[]): Float32Array {
  const sums = new Float32Array(length * rows.length);
  for (const [y, span] of rows.entries()) {
    for (const [row, weight] of span) {
      for (let k = 0; k < length; k++) {
        sums[y * length + k] =
          (sums[y * length + k] as number) + weight * (values[row * length + k] as number);
      }
    }
  }
  return sums;
}

function resizeColumns(
  values: Float32Array,
  width: number,
  columns: readonly Span[],
): Float32Array {
  const height = values.length / (3 * width);
  const sums = new Float32Array(3 * columns.length * height);
  for (const [x, span] of columns.entries()) {
    for (const [column, weight] of span) {
      for (let y = 0; y < height; y++) {
        const from = 3 * (y * width + column);
        const to = 3 * (y * columns.length + x);
        for (let c = 0; c < 3; c++) {
          sums[to + c] = (sums[to + c] as number) + weight * (values[from + c] as number);
        }
      }
    }
  }
  return sums;
}

/** Gives a pixel a colour; quicker than `set`. */
export function paint(rgb: Uint8Array, pixel: number, [red, green, blue]: Rgb): void {
  rgb[3 * pixel] = red;
  rgb[3 * pixel + 1] = green;
  rgb[3 * pixel + 2] = blue;
}

/**
 * The largest size with the ratio of `width` to `height` that fits into the box, at least 1 x 1; where pixels grow to
 * twice their size or more, by a whole number, so that all look the same.
 */
export function fitInto(
  size: { readonly width: number; readonly height: number },
  box: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const largest = Math.min(box.width / size.width, box.height / size.height);
  const scale = largest >= 2 ? Math.floor(largest) : largest;
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}
