import type { Rgb } from "../images/palette.ts";
import type { ChangeScale } from "./change-scales.ts";
import { ink, text } from "./figure-svg.ts";

/** Where a colour bar is drawn. */
export interface ColourBarPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Of the text, in SVG units. */
  readonly fontSize: number;
}

/** Height of the coloured part. */
export const barHeight = 14;

/** How high a colour bar is with its numbers. */
export function colourBarHeight(fontSize: number): number {
  return barHeight + 8 + fontSize;
}

/** A scale as a bar of its colours with ticks. */
export function colourBar(scale: ChangeScale, { x, y, width, fontSize }: ColourBarPlace): string {
  const steps = Math.max(1, Math.round(width / 2));
  const bars = Array.from({ length: steps }, (_, k) => {
    const fill = hex(scale.colourOf(scale.at((k + 0.5) / steps)));
    const left = Math.round((k * width) / steps);
    const right = Math.round(((k + 1) * width) / steps);
    return `<rect x="${x + left}" y="${y}" width="${right - left}" height="${barHeight}" fill="${fill}"/>`;
  });
  const ticks = scale.ticks.map(({ change, label }) => {
    const position = scale.positionOf(change);
    const at = x + position * width;
    // The ends stay within the bar.
    const anchor = position < 0.02 ? "start" : position > 0.98 ? "end" : "middle";
    return (
      `<line x1="${at}" x2="${at}" y1="${y + barHeight}" y2="${y + barHeight + 4}" stroke="${ink.quiet}"/>` +
      text(at, y + barHeight + 5 + fontSize, label, { size: fontSize, fill: ink.quiet, anchor })
    );
  });
  return (
    bars.join("") +
    `<rect x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" height="${barHeight + 1}" fill="none" stroke="${ink.frame}"/>` +
    ticks.join("")
  );
}

/** A colour as SVG writes it. */
export function hex(colour: Rgb): string {
  return `#${colour.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
}
