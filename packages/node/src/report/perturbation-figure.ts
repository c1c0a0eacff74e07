import { percent, verdictWords } from "@onnx-asma/core/verdict-words";
import { amplificationOf, resizeChange } from "./change-map.ts";
import {
  changeNumber,
  changePicture,
  magnitudeScale,
  signedScale,
  type ChangeScale,
} from "./change-scales.ts";
import { colourBar, colourBarHeight } from "./colour-bar.ts";
import { framedPicture, ink, page, paragraph, text, type TextStyle } from "./figure-svg.ts";
import { fitInto } from "./picture.ts";
import { outlineSvg, regionOutline } from "./region-outline.ts";
import { renderSvg } from "./render-svg.ts";
import { sliceWords, type ShownResult } from "./shown-result.ts";

const size = { width: 1600, margin: 44, gap: 44, maxHeight: 760 };
const styles = {
  title: { size: 28, isBold: true },
  subtitle: { size: 18, fill: ink.quiet },
  caption: { size: 20, isBold: true },
  note: { size: 17, fill: ink.quiet },
} as const satisfies Record<string, TextStyle>;
const barFont = 16;

/**
 * The change of an image as a figure, 1600 pixels wide: |change| on a logarithmic scale, and signed on a linear one
 * that ends at the 99th percentile, each with its colour bar. Where a picture is shrunk, each dot is the largest
 * change of the pixels that it stands for.
 */
export function perturbationFigure(shown: ShownResult): Uint8Array {
  return renderSvg(perturbationSvg(shown));
}

/** The SVG behind {@link perturbationFigure}. */
export function perturbationSvg(shown: ShownResult): string {
  const { change, outcome, slice, title } = shown;
  const inner = size.width - 2 * size.margin;
  // Wide images lie below each other.
  const isStacked = change.width / change.height > 2.2;
  const column = isStacked ? inner : Math.floor((inner - size.gap) / 2);
  const parts: string[] = [];
  let y = size.margin - 8;
  const add = (content: string, style: TextStyle, after: number) => {
    const block = paragraph({ x: size.margin, y, width: inner }, content, style);
    parts.push(block.svg);
    y += block.height + after;
  };
  add(`What changed: ${title}`, styles.title, 4);
  add(verdictWords(outcome).change, styles.subtitle, slice === undefined ? 22 : 2);
  if (slice !== undefined) {
    add(`Shown and counted here: ${sliceWords(slice)}.`, styles.subtitle, 22);
  }
  const panels = [magnitudePanel(shown), signedPanel(shown)];
  const heights = panels.map((panel, k) => {
    const x = size.margin + (isStacked ? 0 : k * (column + size.gap));
    const drawn = panelSvg(panel, shown, { x, y, width: column });
    parts.push(drawn.svg);
    if (isStacked) {
      y += drawn.height + size.gap / 2;
    }
    return drawn.height;
  });
  const bottom = isStacked ? y : y + Math.max(...heights);
  return page({ width: size.width, height: Math.ceil(bottom + size.margin / 2) }, parts);
}

interface Panel {
  readonly caption: string;
  readonly note: string;
  readonly scale: ChangeScale;
}

function magnitudePanel({ change, original }: ShownResult): Panel {
  const unchanged = 1 - change.changed / (change.width * change.height);
  return {
    caption: "How much: |change|, logarithmic",
    note:
      change.changed === 0
        ? "Nothing changed: all of it is black."
        : `${original.dims[1] === 1 ? "In" : "Of the channel that changed most, in"} ${change.unit.name}. Black: unchanged (${percent(unchanged)} of the pixels). Largest: ${changeNumber(change.largest)}.`,
    scale: magnitudeScale(change),
  };
}

function signedPanel({ change }: ShownResult): Panel {
  return {
    caption: "Which way: signed change",
    note:
      change.changed === 0
        ? "Nothing changed: all of it is white."
        : `Orange: brighter, violet: darker, white: unchanged, in ${change.unit.name}. Amplified ×${changeNumber(amplificationOf(change))}: the colours end at ±${changeNumber(change.p99)}, the 99th percentile of the changed pixels; ${percent(change.clipped, "up")} of these are clipped.`,
    scale: signedScale(change),
  };
}

function panelSvg(
  { caption, note, scale }: Panel,
  shown: ShownResult,
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
): { readonly svg: string; readonly height: number } {
  const { change, region } = shown;
  const shownSize = fitInto(change, { width, height: size.maxHeight });
  const resized = resizeChange(change, shownSize.width, shownSize.height);
  const parts: string[] = [text(x, y + styles.caption.size, caption, styles.caption)];
  let top = y + styles.caption.size + 16;
  parts.push(framedPicture(changePicture(resized, scale), x, top));
  if (region !== undefined) {
    parts.push(outlineSvg(regionOutline(region, { x, y: top, ...shownSize })));
  }
  top += shownSize.height + 18;
  if (change.changed > 0) {
    parts.push(colourBar(scale, { x, y: top, width: Math.min(width, 734), fontSize: barFont }));
    top += colourBarHeight(barFont) + 12;
  }
  const words = paragraph({ x, y: top, width }, noteOf(note, shown, shownSize), styles.note);
  parts.push(words.svg);
  return { svg: parts.join(""), height: top + words.height - y };
}

function noteOf(
  note: string,
  { change, region }: ShownResult,
  shownSize: { readonly width: number },
): string {
  return [
    note,
    ...(region === undefined ? [] : ["Dashed: the region that may change."]),
    ...(shownSize.width < change.width && change.changed > 0
      ? [
          `Shrunk from ${change.width} × ${change.height}: a dot is the largest change of its pixels.`,
        ]
      : []),
  ].join(" ");
}
