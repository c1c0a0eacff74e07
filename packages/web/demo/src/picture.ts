import type { ImageTensor, LabelMap } from "@onnx-asma/web";

/** Colours of classes 1, 2, …; class 0 is not coloured. Told apart with colour blindness too. */
export const classColours = ["#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#f0e442", "#d55e00"];

/** Largest width of a canvas: pictures are shown, not kept, at this size. */
const shownWidth = 640;

/** A rectangle in pixels of the image. */
export interface Placement {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Gives a canvas the proportions of an image. */
export function fitCanvas(canvas: HTMLCanvasElement, { dims }: ImageTensor): void {
  const [, , height, width] = dims;
  const scale = Math.min(1, shownWidth / width);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
  }
}

/** Draws an image, its nearest pixels. */
export function drawImage(canvas: HTMLCanvasElement, image: ImageTensor): void {
  const { data } = image;
  drawPixels(canvas, image, (at) => 255 * (data[at] as number));
}

/** Draws what was changed, amplified, in grey around the middle. */
export function drawChange(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  { data: original }: ImageTensor,
  factor: number,
): void {
  const { data } = image;
  const scale = 255 * factor;
  drawPixels(
    canvas,
    image,
    (at) => 127.5 + scale * ((data[at] as number) - (original[at] as number)),
  );
}

/** Draws the nearest of an image's pixels; `value` gives what is shown of one, 0 to 255. */
function drawPixels(
  canvas: HTMLCanvasElement,
  image: ImageTensor,
  value: (index: number) => number,
): void {
  fitCanvas(canvas, image);
  const [, channels, height, width] = image.dims;
  const shown = new ImageData(canvas.width, canvas.height);
  const [w, h, pixels] = [shown.width, shown.height, shown.data];
  const columns = nearest(w, width);
  const plane = channels === 3 ? width * height : 0;
  nearest(h, height).forEach((row, y) => {
    for (let x = 0, at = 4 * w * y; x < w; x++, at += 4) {
      const pixel = row * width + (columns[x] as number);
      pixels[at] = value(pixel);
      pixels[at + 1] = value(pixel + plane);
      pixels[at + 2] = value(pixel + 2 * plane);
      pixels[at + 3] = 255;
    }
  });
  contextOf(canvas).putImageData(shown, 0, 0);
}

/** How a label map is drawn. */
export interface LabelStyle {
  readonly alpha: number;
  /** Draws only the border of each region. */
  readonly outline?: boolean;
}

/** Draws a label map over a canvas where it lies on the image; one of the image's size covers it. */
export function drawLabels(
  canvas: HTMLCanvasElement,
  labels: LabelMap,
  image: ImageTensor,
  grid: Placement,
  { alpha, outline = false }: LabelStyle,
): void {
  const [height, width] = labels.dims;
  const isWhole = height === image.dims[2] && width === image.dims[3];
  const scale = canvas.width / image.dims[3];
  const place = isWhole ? { top: 0, left: 0, height: image.dims[2], width: image.dims[3] } : grid;
  const [w, h] = [Math.round(place.width * scale), Math.round(place.height * scale)];
  if (w < 1 || h < 1) {
    return;
  }
  const colours = classColours.map(toRgb);
  const shown = nearestLabels(labels, w, h);
  const pixels = new ImageData(w, h);
  const differs = (at: number, isInside: boolean, here: number) => isInside && shown[at] !== here;
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      const here = shown[i] as number;
      if (here <= 0) {
        continue;
      }
      const isBorder =
        differs(i - 2, x >= 2, here) ||
        differs(i + 2, x < w - 2, here) ||
        differs(i - 2 * w, y >= 2, here) ||
        differs(i + 2 * w, y < h - 2, here);
      if (isBorder || !outline) {
        const colour = outline ? white : (colours[(here - 1) % colours.length] as number[]);
        pixels.data.set(colour, 4 * i);
        pixels.data[4 * i + 3] = isBorder ? 255 : alpha * 255;
      }
    }
  }
  const layer = new OffscreenCanvas(w, h);
  layer.getContext("2d")?.putImageData(pixels, 0, 0);
  contextOf(canvas).drawImage(layer, Math.round(place.left * scale), Math.round(place.top * scale));
}

/** The 2d context of a canvas. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext("2d", { willReadFrequently: false }) as CanvasRenderingContext2D;
}

const white = [255, 255, 255];

/** The label nearest to each of w×h pixels. */
function nearestLabels({ data, dims }: LabelMap, w: number, h: number): Int32Array {
  const [height, width] = dims;
  const columns = nearest(w, width);
  const shown = new Int32Array(w * h);
  nearest(h, height).forEach((row, y) => {
    for (let x = 0; x < w; x++) {
      shown[y * w + x] = data[row * width + (columns[x] as number)] as number;
    }
  });
  return shown;
}

/** For each of `count` places, the nearest of `size`. */
function nearest(count: number, size: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * size) / count));
}

function toRgb(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}
