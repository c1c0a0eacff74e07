import type { LabelMap } from "@onnx-asma/core";
import { classColour, ignoreColour, type Rgb } from "../images/palette.ts";
import { paint, type Picture, type Placement } from "./picture.ts";

/** Options of {@link maskPicture}. */
export interface MaskPictureOptions {
  /** Pixels of this label are white. */
  readonly ignoreLabel?: number;
  /** @default `classColour` */
  readonly colourOf?: (label: number) => Rgb;
}

/** Draws a label map in the colours of its classes; ignored pixels are white. */
export function maskPicture(labels: LabelMap, options: MaskPictureOptions = {}): Picture {
  const { ignoreLabel, colourOf = classColour } = options;
  const [height, width] = labels.dims;
  const rgb = new Uint8Array(3 * height * width);
  labels.data.forEach((label, i) => {
    paint(rgb, i, label === ignoreLabel ? ignoreColour : colourOf(label));
  });
  return { rgb, width, height };
}

/** Options of {@link overlay}. */
export interface OverlayOptions {
  /** Where the label map lies, in pixels of the picture. Default: all of it. */
  readonly placement?: Placement;
  /** Pixels of this label are left alone, as background is. */
  readonly ignoreLabel?: number;
  /** @default `classColour` */
  readonly colourOf?: (label: number) => Rgb;
  /** Opacity of the fill, 0 to 1. Default 0.35. */
  readonly opacity?: number;
  /** Width of the contour in pixels. Default: about 1/200 of the shorter side, at least 1. */
  readonly contour?: number;
}

/** Lays the classes other than 0 over a picture: a translucent fill within a solid contour. */
export function overlay(picture: Picture, labels: LabelMap, options: OverlayOptions = {}): Picture {
  const { width, height } = picture;
  const { ignoreLabel, colourOf = classColour, opacity = 0.35 } = options;
  const { placement = { top: 0, left: 0, height, width } } = options;
  const contour = options.contour ?? Math.max(1, Math.round(Math.min(width, height) / 200));
  const placed = placedLabels(picture, labels, { placement, ignoreLabel });
  const isContour = contourOf(placed, { width, height }, contour);
  const rgb = picture.rgb.slice();
  placed.forEach((label, i) => {
    if (label === 0) return;
    const alpha = isContour[i] === 1 ? 1 : opacity;
    colourOf(label).forEach((value, c) => {
      rgb[3 * i + c] = Math.round(alpha * value + (1 - alpha) * (rgb[3 * i + c] as number));
    });
  });
  return { rgb, width, height };
}

/** The label of each pixel of a picture, the nearest of the map; 0 outside it and where it is ignored. */
function placedLabels(
  { width, height }: Picture,
  labels: LabelMap,
  { placement, ignoreLabel }: { placement: Placement; ignoreLabel: number | undefined },
): Int32Array {
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
  return placed;
}

/** 1 for pixels that have another label within a distance; found from the edges, of which there are few. */
function contourOf(
  labels: Int32Array,
  { width, height }: { readonly width: number; readonly height: number },
  distance: number,
): Uint8Array {
  const disc = discOffsets(distance);
  const isContour = new Uint8Array(labels.length);
  const mark = (y: number, x: number): void => {
    const other = labels[y * width + x];
    for (const [dy, dx] of disc) {
      const [ny, nx] = [y + dy, x + dx];
      const isInside = ny >= 0 && nx >= 0 && ny < height && nx < width;
      if (isInside && labels[ny * width + nx] !== other) isContour[ny * width + nx] = 1;
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const label = labels[i];
      const isEdge =
        (x > 0 && labels[i - 1] !== label) ||
        (x + 1 < width && labels[i + 1] !== label) ||
        (y > 0 && labels[i - width] !== label) ||
        (y + 1 < height && labels[i + width] !== label);
      if (isEdge) mark(y, x);
    }
  }
  return isContour;
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
