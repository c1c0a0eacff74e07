import * as Plot from "@observablehq/plot";
import type { Rgb } from "../images/palette.ts";
import type { ChangeMap } from "./change-map.ts";
import { paint, type Picture } from "./picture.ts";

/** A scale of colours for changes. */
export interface ChangeScale {
  /** Colour of a change in units of the map; beyond the ends that of the end. */
  readonly colourOf: (change: number) => Rgb;
  /** Changes from the first to the last colour, evenly spaced on the scale, for a colour bar. */
  readonly at: (position: number) => number;
  /** Where a change lies on the scale, in [0, 1]. */
  readonly positionOf: (change: number) => number;
  readonly ticks: readonly { readonly change: number; readonly label: string }[];
}

/** Pixels that did not change, in the picture of |change|. */
export const unchangedDark: Rgb = [12, 12, 20];
/** Pixels that did not change, in the signed picture. */
export const unchangedLight: Rgb = [255, 255, 255];

/** Colours that a scale is sampled to. */
const samples = 1024;

/**
 * |change| on a logarithmic scale, dark violet to light yellow (Inferno, even to every common colour vision), from
 * the smallest change to the largest; at most four orders of magnitude.
 */
export function magnitudeScale({ smallest, largest, unit }: ChangeMap): ChangeScale {
  const isWhole = unit.range > 1 && smallest >= 1;
  const least = isWhole ? 1 : powerBelow(Math.max(smallest, largest / 10_000));
  const low = largest === 0 ? 1 : least;
  const high = Math.max(largest, 2 * low);
  const span = Math.log(high / low);
  const colours = sampled("inferno", [0.28, 1]);
  const positionOf = (change: number) =>
    clamp(Math.log(Math.max(Math.abs(change), low) / low) / span);
  return {
    positionOf,
    at: (position) => low * Math.exp(position * span),
    colourOf: (change) => (change === 0 ? unchangedDark : colours(positionOf(change))),
    ticks: magnitudeTicks(low, high, positionOf),
  };
}

/**
 * Signed changes on a linear scale that ends at the 99th percentile: orange where a pixel became brighter, violet where
 * it became darker (PuOr, told apart with every common colour vision). The smallest change has some colour already.
 */
export function signedScale({ p99 }: ChangeMap): ChangeScale {
  const end = p99 === 0 ? 1 : p99;
  const brighter = sampled("puor", [0.64, 0.97]);
  const darker = sampled("puor", [0.36, 0.03]);
  const positionOf = (change: number) => clamp(0.5 + change / (2 * end));
  return {
    positionOf,
    at: (position) => (2 * position - 1) * end,
    colourOf: (change) =>
      change === 0
        ? unchangedLight
        : (change > 0 ? brighter : darker)(clamp(Math.abs(change) / end)),
    ticks: [
      { change: -end, label: `−${changeNumber(end)}` },
      { change: -end / 2, label: `−${changeNumber(end / 2)}` },
      { change: 0, label: "0" },
      { change: end / 2, label: `+${changeNumber(end / 2)}` },
      { change: end, label: `+${changeNumber(end)}` },
    ],
  };
}

/** A map in the colours of a scale. */
export function changePicture({ values, width, height }: ChangeMap, scale: ChangeScale): Picture {
  const rgb = new Uint8Array(3 * width * height);
  values.forEach((value, i) => paint(rgb, i, scale.colourOf(value)));
  return { rgb, width, height };
}

/** A change as people write it: whole ones as they are, others to three digits: 7, 1,234, 0.25, 3e−5. */
export function changeNumber(change: number): string {
  if (change !== 0 && Math.abs(change) < 1e-3) {
    return change.toExponential(1).replace(".0e", "e").replace("-", "−");
  }
  // Whole but for what float32 makes of levels.
  const isWhole = change >= 1 && Math.abs(change - Math.round(change)) < 0.01;
  return (isWhole ? Math.round(change) : Number(change.toPrecision(3))).toLocaleString("en", {
    maximumSignificantDigits: 6,
  });
}

/** Both ends, and of 1, 2 and 5 times powers of ten as many as there is room for between them. */
function magnitudeTicks(low: number, high: number, positionOf: (change: number) => number) {
  const between: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    between.push(...[1, 2, 5].map((digit) => digit * Number(`1e${power}`)));
  }
  const chosen = [low, high];
  // Whole powers of ten first.
  const ranked = between.toSorted((a, b) => Number(isPower(b)) - Number(isPower(a)));
  for (const tick of ranked) {
    const isFree = chosen.every((other) => {
      // Numbers at the ends reach further in.
      const room = other === low || other === high ? 0.17 : 0.12;
      return Math.abs(positionOf(tick) - positionOf(other)) >= room;
    });
    if (tick > low && tick < high && isFree) {
      chosen.push(tick);
    }
  }
  return chosen
    .toSorted((a, b) => a - b)
    .map((change) => ({ change, label: changeNumber(change) }));
}

function isPower(value: number): boolean {
  return value.toExponential().startsWith("1e");
}

function powerBelow(value: number): number {
  return value > 0 ? Number(`1e${Math.floor(Math.log10(value))}`) : 1;
}

function clamp(position: number): number {
  return Math.min(1, Math.max(0, position));
}

/** Colours of a part of one of Plot's schemes. */
function sampled(
  scheme: Plot.ColorScheme,
  [from, to]: readonly [number, number],
): (position: number) => Rgb {
  const scale = Plot.scale({ color: { type: "linear", scheme, domain: [0, 1] } });
  const colours = Array.from({ length: samples }, (_, k) =>
    rgbOf(scale.apply(from + (k / (samples - 1)) * (to - from)) as string),
  );
  return (position) => colours[Math.round(position * (samples - 1))] as Rgb;
}

/** Reads "#rrggbb" and "rgb(r, g, b)". */
function rgbOf(colour: string): Rgb {
  const numbers = colour.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/\d+/g) ?? []).map(Number);
  return numbers as unknown as Rgb;
}
