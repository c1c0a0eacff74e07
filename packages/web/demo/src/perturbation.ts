import type { ImageTensor } from "@onnx-asma/web";
import { magmaAt } from "./colours.ts";
import { element } from "./element.ts";
import { drawPixels } from "./picture.ts";
import type { View } from "./view.ts";

/** Values that are looked at for the scale, at most. */
const mostSampled = 1 << 20;

/** How a change is shown, and what is said of it. */
interface Style {
  readonly caption: string;
  readonly low: string;
  readonly high: string;
  readonly paint: Parameters<typeof drawPixels>[3];
}

/** The change of an image as a picture: its size on a logarithmic scale, or with its sign. */
export function drawPerturbation(
  image: ImageTensor,
  original: ImageTensor,
  linf: number,
  view: View,
): void {
  const isSigned = element<HTMLSelectElement>("change-style").value === "signed";
  const { paint, caption, low, high } = (isSigned ? signed : size)(image, original, linf);
  drawPixels(element<HTMLCanvasElement>("perturbation"), image, view, paint);
  element("perturbation-caption").textContent = caption;
  element("scale").classList.toggle("signed", isSigned);
  element("scale-low").textContent = low;
  element("scale-high").textContent = high;
}

/** The largest change of a pixel's values, from one level on, on a logarithmic scale. */
function size(image: ImageTensor, original: ImageTensor, linf: number): Style {
  const steps = stepsOf(original);
  const most = Math.max(linf * steps, 1);
  const range = Math.log(Math.max(most, 2));
  const ramp = Array.from({ length: 256 }, (_, i) => magmaAt(0.25 + (0.75 * i) / 255));
  const [, channels, height, width] = image.dims;
  const plane = width * height;
  const [after, before] = [image.data, original.data];
  return {
    caption: `The largest change of each pixel, in levels of ${steps}; black is no change.`,
    low: "1",
    high: short(most),
    paint: (pixels, at, pixel) => {
      let largest = 0;
      for (let c = 0; c < channels; c++) {
        const i = pixel + c * plane;
        largest = Math.max(largest, Math.abs((after[i] as number) - (before[i] as number)));
      }
      if (largest > 0) {
        const share = Math.max(0, Math.log(largest * steps)) / range;
        const [red, green, blue] = ramp[
          Math.min(255, Math.round(255 * share))
        ] as (typeof ramp)[number];
        pixels[at] = red;
        pixels[at + 1] = green;
        pixels[at + 2] = blue;
      }
    },
  };
}

/** The change in grey around the middle; the largest hundredth of what changed is clipped, or one pixel would decide. */
function signed(image: ImageTensor, original: ImageTensor, linf: number): Style {
  const steps = stepsOf(original);
  const [after, before] = [image.data, original.data];
  const { limit, clipped } = limitOf(after, before, linf);
  const scale = limit > 0 ? 127.5 / limit : 1;
  const [, channels, height, width] = image.dims;
  const plane = channels === 3 ? width * height : 0;
  const levels = short(limit * steps);
  return {
    caption:
      `The change around grey, amplified ${short(scale / 255)} times; ` +
      `${(100 * clipped).toFixed(1)} % of the changed values go beyond the scale, in levels of ${steps}.`,
    low: `−${levels}`,
    high: `+${levels}`,
    paint: (pixels, at, pixel) => {
      for (let c = 0; c < 3; c++) {
        const i = pixel + c * plane;
        pixels[at + c] = 127.5 + scale * ((after[i] as number) - (before[i] as number));
      }
    },
  };
}

/** What 99 of 100 changed values stay within, and the share of those that do not. */
function limitOf(
  after: Float32Array,
  before: Float32Array,
  linf: number,
): { limit: number; clipped: number } {
  const bins = new Uint32Array(4096);
  const stride = Math.max(1, Math.ceil(after.length / mostSampled));
  let count = 0;
  for (let i = 0; i < after.length; i += stride) {
    const change = Math.abs((after[i] as number) - (before[i] as number));
    if (change > 0) {
      const bin = Math.min(bins.length - 1, Math.floor((change / linf) * bins.length));
      bins[bin] = (bins[bin] as number) + 1;
      count += 1;
    }
  }
  let within = 0;
  let bin = 0;
  while (bin < bins.length && within < 0.99 * count) {
    within += bins[bin] as number;
    bin += 1;
  }
  return {
    limit: (linf * Math.max(1, bin)) / bins.length,
    clipped: count === 0 ? 0 : (count - within) / count,
  };
}

/** Steps from black to white in the image's file; of floating point as of 8 bits. */
function stepsOf({ levels }: ImageTensor): number {
  return levels !== undefined && Number.isFinite(levels) ? levels - 1 : 255;
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
