import { hex } from "./colour-bar.ts";
import { ink, shorten, text, widthOf, type TextStyle } from "./figure-svg.ts";
import { outlineSvg } from "./region-outline.ts";
import type { Rgb } from "../images/palette.ts";

/** An entry of a legend: a colour, or a line around a region, or what lies outside of the labels. */
export interface LegendEntry {
  readonly label: string;
  readonly swatch: Rgb | "outline" | "outside";
}

/** The pattern of what no label lies on; figures with such a place need it once. */
export const outsidePattern =
  `<pattern id="outside" width="8" height="8" patternUnits="userSpaceOnUse">` +
  `<rect width="8" height="8" fill="#f3f4f6"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#cdd2d9" stroke-width="1.5"/></pattern>`;

const style: TextStyle = { size: 17, fill: ink.quiet };
const swatchSize = 17;
const lineHeight = 29;
/** More lines than these end in "and n that are rarer". */
const mostLines = 4;

/**
 * A legend that flows over as many lines as it needs, up to four.
 *
 * @param title in bold before the first entry
 */
export function legend(
  at: { readonly x: number; readonly y: number; readonly width: number },
  title: string,
  entries: readonly LegendEntry[],
): { readonly svg: string; readonly height: number } {
  const head: TextStyle = { size: 18, isBold: true };
  const indent = Math.ceil(widthOf(title, head)) + 24;
  const room = at.width - indent;
  const parts = [text(at.x, at.y + 18, title, head)];
  let [left, line] = [0, 0];
  for (const [k, entry] of entries.entries()) {
    const label = shorten(entry.label, style, Math.min(room - 40, 360));
    const width = swatchSize + 9 + Math.ceil(widthOf(label, style)) + 26;
    const rest = entries.length - k;
    const more = `and ${rest} that are rarer`;
    const isLastLine = line === mostLines - 1;
    const needed = width + (isLastLine && rest > 1 ? widthOf(more, style) : 0);
    if (left > 0 && left + needed - 26 > room) {
      if (isLastLine) {
        parts.push(text(at.x + indent + left, baseline(at.y, line), more, style));
        break;
      }
      [left, line] = [0, line + 1];
    }
    const x = at.x + indent + left;
    parts.push(
      swatch(entry.swatch, x, at.y + line * lineHeight + 4),
      text(x + swatchSize + 9, baseline(at.y, line), label, style),
    );
    left += width;
  }
  return { svg: parts.join(""), height: (line + 1) * lineHeight };
}

function baseline(y: number, line: number): number {
  return y + line * lineHeight + 18;
}

function swatch(kind: LegendEntry["swatch"], x: number, y: number): string {
  if (kind === "outline") {
    const [far, low] = [x + swatchSize, y + swatchSize];
    return outlineSvg(`M${x} ${y}H${far}V${low}H${x}Z`);
  }
  const fill = kind === "outside" ? "url(#outside)" : hex(kind);
  return `<rect x="${x}" y="${y}" width="${swatchSize}" height="${swatchSize}" rx="2" fill="${fill}" stroke="${ink.frame}"/>`;
}
