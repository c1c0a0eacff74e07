import { encode } from "fast-png";
import type { ImageTensor } from "@onnx-asma/core";
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
  const columns = spans(picture.width, width);
  const rows = spans(picture.height, height);
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [r, g, b, weight] = [0, 0, 0, 0];
      for (const [row, wy] of rows[y] as Span) {
        for (const [column, wx] of columns[x] as Span) {
          const at = 3 * (row * picture.width + column);
          const w = wy * wx;
          r += w * (picture.rgb[at] as number);
          g += w * (picture.rgb[at + 1] as number);
          b += w * (picture.rgb[at + 2] as number);
          weight += w;
        }
      }
      rgb.set(
        [Math.round(r / weight), Math.round(g / weight), Math.round(b / weight)],
        3 * (y * width + x),
      );
    }
  }
  return { rgb, width, height };
}

/** Source pixels and their weights for one target pixel. */
type Span = readonly (readonly [number, number])[];

function spans(from: number, to: number): Span[] {
  return Array.from({ length: to }, (_, k) => {
    if (to >= from) return [[Math.floor(((k + 0.5) * from) / to), 1] as const];
    const [start, end] = [(k * from) / to, ((k + 1) * from) / to];
    const first = Math.floor(start);
    const last = Math.min(from, Math.ceil(end - 1e-9));
    return Array.from({ length: last - first }, (__, j) => {
      const pixel = first + j;
      return [pixel, Math.min(end, pixel + 1) - Math.max(start, pixel)] as const;
    });
  });
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
