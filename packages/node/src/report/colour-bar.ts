import type { Rgb } from "../images/palette.ts";
import type { ChangeScale } from "./change-scales.ts";
import { framedPicture, ink, text } from "./figure-svg.ts";
import { paint } from "./picture.ts";

/** Where a colour bar is drawn, in whole pixels. */
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
  const rgb = new Uint8Array(3 * width * barHeight);
  for (let i = 0; i < width * barHeight; i++) {
    paint(rgb, i, scale.colourOf(scale.at(((i % width) + 0.5) / width)));
  }
  const bar = framedPicture({ rgb, width, height: barHeight }, x, y);
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
  return bar + ticks.join("");
}

/** A colour as SVG writes it. */
export function hex(colour: Rgb): string {
  return `#${colour.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
}
