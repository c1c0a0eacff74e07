import type { ImageTensor } from "@onnx-asma/core";
import { assertDims } from "../images/dims.ts";

/** What changes are told in. */
export interface ChangeUnit {
  /** Units from black to white: 255 for levels of 8 bits, 1 for floating point. */
  readonly range: number;
  /** Behind "in": "levels of 255". */
  readonly name: string;
}

/** How much each pixel of an image changed, and which way. */
export interface ChangeMap {
  readonly width: number;
  readonly height: number;
  readonly unit: ChangeUnit;
  /**
   * Row by row the change of the channel that changed most, in units: positive where it became brighter, 0
   * where no channel changed.
   */
  readonly values: Float32Array;
  /** Pixels that changed. */
  readonly changed: number;
  /** Of |values| over the pixels that changed; all 0 where none did. */
  readonly smallest: number;
  /** 99th percentile: the smallest of them that at least 99 % do not exceed. */
  readonly p99: number;
  readonly largest: number;
  /** Share of the changed pixels whose |change| is above {@link p99}, in [0, 1]. */
  readonly clipped: number;
}

/**
 * The unit for changes of an image in a file of so many levels.
 *
 * @param levels `undefined` for floating point
 */
export function changeUnit(levels: number | undefined): ChangeUnit {
  return levels === undefined
    ? { range: 1, name: "units of the range 0 to 1" }
    : { range: levels - 1, name: `levels of ${(levels - 1).toLocaleString("en")}` };
}

/**
 * Compares two images pixel by pixel.
 *
 * @param original [1, C, H, W] in [0, 1]
 * @throws AsmaError ERR_ARRAY_SHAPE when the two images differ in dims
 */
export function changeMap(
  original: ImageTensor,
  adversarial: ImageTensor,
  unit: ChangeUnit,
): ChangeMap {
  assertDims(original.dims, adversarial.data.length, "the adversarial image");
  const [, channels, height, width] = original.dims;
  const pixels = height * width;
  const values = new Float32Array(pixels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      const k = c * pixels + i;
      const value = inUnits((adversarial.data[k] as number) - (original.data[k] as number), unit);
      if (Math.abs(value) > Math.abs(values[i] as number)) {
        values[i] = value;
      }
    }
  }
  const sorted = values
    .filter((v) => v !== 0)
    .map((v) => Math.abs(v))
    .toSorted();
  const changed = sorted.length;
  const p99 = sorted[Math.ceil(0.99 * changed) - 1] ?? 0;
  const above = changed - (sorted.findLastIndex((v) => v <= p99) + 1);
  return {
    width,
    height,
    unit,
    values,
    changed,
    smallest: sorted[0] ?? 0,
    p99,
    largest: sorted.at(-1) ?? 0,
    clipped: changed === 0 ? 0 : above / changed,
  };
}

/** By what the signed picture amplifies, so that {@link ChangeMap.p99} fills its scale; 1 where nothing changed. */
export function amplificationOf({ p99, unit }: ChangeMap): number {
  return p99 === 0 ? 1 : unit.range / p99;
}

/** Float32 holds levels up to rounding: what is a whole number of them is taken as one. */
function inUnits(change: number, { range }: ChangeUnit): number {
  const value = change * range;
  const whole = Math.round(value);
  return range > 1 && Math.abs(value - whole) < 0.01 ? whole : value || 0;
}

/**
 * The map at another size, for display: where it shrinks, each value is the one of largest |change| of those it
 * stands for, so that no single pixel is lost; where it grows, values repeat.
 */
export function resizeChange(map: ChangeMap, width: number, height: number): ChangeMap {
  if (map.width === width && map.height === height) {
    return map;
  }
  const columns = bounds(map.width, width);
  const rows = bounds(map.height, height);
  const values = new Float32Array(width * height);
  rows.forEach(([top, bottom], y) => {
    columns.forEach(([left, right], x) => {
      let most = 0;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const value = map.values[row * map.width + column] as number;
          if (Math.abs(value) > Math.abs(most)) {
            most = value;
          }
        }
      }
      values[y * width + x] = most;
    });
  });
  return { ...map, width, height, values };
}

/** Which source pixels, from and up to, each target pixel stands for. */
function bounds(from: number, to: number): (readonly [number, number])[] {
  return Array.from({ length: to }, (_, k) => {
    if (to >= from) {
      const at = Math.floor(((k + 0.5) * from) / to);
      return [at, at + 1] as const;
    }
    return [Math.floor((k * from) / to), Math.ceil(((k + 1) * from) / to - 1e-9)] as const;
  });
}
