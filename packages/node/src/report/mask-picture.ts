import type { LabelMap } from "@onnx-asma/core";
import { classColour, ignoreColour } from "../images/palette.ts";
import type { Picture, Placement } from "./picture.ts";

/** Draws a label map in the colours of its classes; ignored pixels are white. */
export function maskPicture(
  labels: LabelMap,
  options: { readonly ignoreLabel?: number } = {},
): Picture {
  const [height, width] = labels.dims;
  const rgb = new Uint8Array(3 * height * width);
  labels.data.forEach((label, i) => {
    rgb.set(label === options.ignoreLabel ? ignoreColour : classColour(label), 3 * i);
  });
  return { rgb, width, height };
}

/** Options of {@link overlay}. */
export interface OverlayOptions {
  /** Where the label map lies, in pixels of the picture. Default: all of it. */
  readonly placement?: Placement;
  /** Pixels of this label are left alone, as background is. */
  readonly ignoreLabel?: number;
  /** Opacity of the fill, 0 to 1. Default 0.35. */
  readonly opacity?: number;
  /** Width of the contour in pixels. Default: about 1/80 of the shorter side, at least 1. */
  readonly contour?: number;
}

/** Lays the classes other than 0 over a picture: a translucent fill within a solid contour. */
export function overlay(picture: Picture, labels: LabelMap, options: OverlayOptions = {}): Picture {
  const { width, height } = picture;
  const { placement = { top: 0, left: 0, height, width }, ignoreLabel, opacity = 0.35 } = options;
  const contour = options.contour ?? Math.max(1, Math.round(Math.min(width, height) / 80));
  const [rows, columns] = labels.dims;

  const placed = new Int32Array(width * height);
  const top = Math.max(0, Math.round(placement.top));
  const left = Math.max(0, Math.round(placement.left));
  const bottom = Math.min(height, Math.round(placement.top + placement.height));
  const right = Math.min(width, Math.round(placement.left + placement.width));
  for (let y = top; y < bottom; y++) {
    const row = clampIndex(((y + 0.5 - placement.top) * rows) / placement.height, rows);
    for (let x = left; x < right; x++) {
      const column = clampIndex(((x + 0.5 - placement.left) * columns) / placement.width, columns);
      const label = labels.data[row * columns + column] as number;
      placed[y * width + x] = label === ignoreLabel ? 0 : label;
    }
  }

  const disc = discOffsets(contour);
  const rgb = picture.rgb.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const label = placed[i] as number;
      if (label === 0) continue;
      const isBorder = disc.some(([dy, dx]) => {
        const [ny, nx] = [y + dy, x + dx];
        return ny >= 0 && nx >= 0 && ny < height && nx < width && placed[ny * width + nx] !== label;
      });
      const alpha = isBorder ? 1 : opacity;
      classColour(label).forEach((value, c) => {
        rgb[3 * i + c] = Math.round(alpha * value + (1 - alpha) * (rgb[3 * i + c] as number));
      });
    }
  }
  return { rgb, width, height };
}

function clampIndex(position: number, length: number): number {
  return Math.min(length - 1, Math.max(0, Math.floor(position)));
}

function discOffsets(radius: number): (readonly [number, number])[] {
  const offsets: (readonly [number, number])[] = [];
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      if ((dy !== 0 || dx !== 0) && dy * dy + dx * dx <= radius * radius) offsets.push([dy, dx]);
    }
  }
  return offsets;
}
