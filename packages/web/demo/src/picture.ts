import type { ImageTensor, LabelMap } from "@onnx-asma/web";
import { colourOf, toRgb } from "./colours.ts";
import type { View } from "./view.ts";

/** Longest side of a canvas: pictures are shown, not kept, at this size. */
const shownSide = 640;

/** A rectangle in pixels of the image. */
export interface Placement {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Gives a canvas the proportions of an image, small ones whole steps larger. */
export function fitCanvas(canvas: HTMLCanvasElement, { dims }: ImageTensor): void {
  const [, , height, width] = dims;
  const longest = Math.max(height, width);
  const scale = longest > shownSide ? shownSide / longest : Math.floor(shownSide / longest);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
  }
}

/** Draws what is seen of an image, its nearest pixels. */
export function drawImage(canvas: HTMLCanvasElement, image: ImageTensor, view: View): void {
  const { data, dims } = image;
  const [, channels, height, width] = dims;
  const plane = channels === 3 ? width * height : 0;
  drawPixels(canvas, image, view, (pixels, at, pixel) => {
    pixels[at] = 255 * (data[pixel] as number);
    pixels[at + 1] = 255 * (data[pixel + plane] as number);
    pixels[at + 2] = 255 * (data[pixel + 2 * plane] as number);
  });
}

/**
 * Draws the nearest of an image's pixels that are seen.
 *
 * @param paint writes red, green and blue of a pixel of the image at a place of the picture's
 */
export function drawPixels(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  view: View,
  paint: (pixels: Uint8ClampedArray, at: number, pixel: number) => void,
): void {
  fitCanvas(canvas, image);
  const [, , height, width] = image.dims;
  const shown = new ImageData(canvas.width, canvas.height);
  const [w, h, pixels] = [shown.width, shown.height, shown.data];
  const columns = nearest(w, view.left * width, view.extent * width);
  nearest(h, view.top * height, view.extent * height).forEach((row, y) => {
    for (let x = 0, at = 4 * w * y; x < w; x++, at += 4) {
      paint(pixels, at, row * width + (columns[x] as number));
      pixels[at + 3] = 255;
    }
  });
  contextOf(canvas).putImageData(shown, 0, 0);
}

/** Draws a label map as it lies on what is seen of the image: its classes, each with a border. */
export function drawClasses(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  labels: PlacedLabels,
  view: View,
): void {
  drawLabels(canvas, image, labels, view, (pixels, i, { label, depth }) => {
    const [red, green, blue] = rgbOf(label);
    pixels.data.set([red, green, blue, depth < 2 ? 255 : 100], 4 * i);
  });
}

/** Draws the outline of each region of a label map: white with a dark edge, to be seen on every picture. */
export function drawOutline(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  labels: PlacedLabels,
  view: View,
): void {
  drawLabels(canvas, image, labels, view, (pixels, i, { depth }) => {
    if (depth < 3) {
      const grey = depth < 2 ? 255 : 0;
      pixels.data.set([grey, grey, grey, 255], 4 * i);
    }
  });
}

/** A label map, and where it lies on the image. */
export interface PlacedLabels {
  readonly labels: LabelMap;
  readonly placement: Placement;
}

/** A pixel of a region: its label, and how far from the region's border it is, up to 3. */
interface RegionPixel {
  readonly label: number;
  readonly depth: number;
}

function drawLabels(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  placed: PlacedLabels,
  view: View,
  paint: (pixels: ImageData, i: number, pixel: RegionPixel) => void,
): void {
  fitCanvas(canvas, image);
  const pixels = new ImageData(canvas.width, canvas.height);
  const [w, h] = [pixels.width, pixels.height];
  const shown = labelsShown(placed, image, view, w, h);
  const differs = (at: number, isInside: boolean, here: number) => isInside && shown[at] !== here;
  const isBorder = (i: number, x: number, y: number, d: number) => {
    const here = shown[i] as number;
    return (
      differs(i - d, x >= d, here) ||
      differs(i + d, x < w - d, here) ||
      differs(i - d * w, y >= d, here) ||
      differs(i + d * w, y < h - d, here)
    );
  };
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      const label = shown[i] as number;
      if (label > 0) {
        const depth = isBorder(i, x, y, 2) ? 1 : isBorder(i, x, y, 3) ? 2 : 3;
        paint(pixels, i, { label, depth });
      }
    }
  }
  contextOf(canvas).putImageData(pixels, 0, 0);
}

/** The label nearest to each of w×h places that are seen; 0 where there is none. */
function labelsShown(
  { labels, placement }: PlacedLabels,
  { dims: [, , imageHeight, imageWidth] }: ImageTensor,
  view: View,
  w: number,
  h: number,
): Int32Array {
  const [height, width] = labels.dims;
  const { top, left, ...size } = placement;
  // From pixels of the image to those of the labels.
  const [down, across] = [height / size.height, width / size.width];
  const columns = nearest(
    w,
    (view.left * imageWidth - left) * across,
    view.extent * imageWidth * across,
  );
  const shown = new Int32Array(w * h);
  nearest(h, (view.top * imageHeight - top) * down, view.extent * imageHeight * down).forEach(
    (row, y) => {
      if (row < 0 || row >= height) {
        return;
      }
      for (let x = 0; x < w; x++) {
        const column = columns[x] as number;
        if (column >= 0 && column < width) {
          shown[y * w + x] = labels.data[row * width + column] as number;
        }
      }
    },
  );
  return shown;
}

/** The 2d context of a canvas. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext("2d", { willReadFrequently: false }) as CanvasRenderingContext2D;
}

const colours = Array.from({ length: 64 }, (_, i) => toRgb(colourOf(i + 1)));

function rgbOf(label: number): readonly [number, number, number] {
  return colours[label - 1] ?? toRgb(colourOf(label));
}

/** For each of `count` places, the one it falls on of those from `from` on. */
function nearest(count: number, from: number, extent: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) =>
    Math.floor(from + ((i + 0.5) * extent) / count),
  );
}
