import { ignored } from "@onnx-asma/core";
import { iouWords, percent, verdictWords } from "@onnx-asma/core/verdict-words";
import { ignoreColour } from "../images/palette.ts";
import { changeNumber } from "./change-scales.ts";
import { classesIn, type ShownClass } from "./class-colours.ts";
import { legend, outsidePattern, type LegendEntry } from "./figure-legend.ts";
import { ink, page, paragraph, shorten, text, type TextStyle } from "./figure-svg.ts";
import {
  coversImage,
  extraForBar,
  mainTiles,
  tileSvg,
  wordsHeight,
  wrongTiles,
  type Tile,
} from "./overview-tiles.ts";
import { fitInto } from "./picture.ts";
import { renderSvg } from "./render-svg.ts";
import { sliceWords, type ShownResult } from "./shown-result.ts";
import { rightColour } from "./wrong-pixels-picture.ts";

const size = { width: 1600, margin: 44, gap: 28, maxHeight: 486 };
const inner = size.width - 2 * size.margin;
const strip = { columns: 5, maxHeight: 300 };
const styles = {
  title: { size: 28, isBold: true },
  verdict: { size: 21 },
  line: { size: 18, fill: ink.quiet },
  fact: { size: 27, isBold: true },
  factName: { size: 17, fill: ink.quiet },
} as const satisfies Record<string, TextStyle>;

/**
 * The whole attack in one PNG, 1600 pixels wide: the verdict in words; the image, what the model draws on it and what
 * it shall draw; the adversarial image, what the model draws now and how much changed; the classes by name; which
 * pixels were still wrong along the way, and the figures.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when label maps differ in dims
 */
export function overviewPicture(shown: ShownResult): Uint8Array {
  return renderSvg(overviewSvg(shown));
}

/** The SVG behind {@link overviewPicture}; pictures are embedded as PNG data URIs. */
export function overviewSvg(shown: ShownResult): string {
  const { outcome, predictionAfter, predictionBefore, target } = shown;
  const [, , height, width] = shown.original.dims as readonly [1, number, number, number];
  const classes = classesIn([predictionBefore, target, predictionAfter], shown.classNames);
  const { svg: head, height: headHeight } = header(shown);
  const parts = [`<defs>${outsidePattern}</defs>`, head];
  let y = headHeight;

  const row = (tiles: readonly Tile[], columns: number, maxHeight: number) => {
    const column = (inner - (columns - 1) * size.gap) / columns;
    const tileSize = fitInto({ width, height }, { width: column, height: maxHeight });
    const x = (k: number) => size.margin + k * (column + size.gap);
    parts.push(...tiles.map((tile, k) => tileSvg(tile, tileSize, { x: x(k), y, width: column })));
    const place = { x: x(tiles.length), y, width: column };
    const hasBar = tiles.some(({ scale }) => scale !== undefined);
    y += tileSize.height + wordsHeight + (hasBar ? extraForBar : 0);
    return { place, bottom: y };
  };
  const sizeOf = (columns: number, maxHeight: number) =>
    fitInto(
      { width, height },
      { width: (inner - (columns - 1) * size.gap) / columns, height: maxHeight },
    );

  const main = mainTiles(shown, classes, sizeOf(3, size.maxHeight));
  main.forEach((tiles) => row(tiles, 3, size.maxHeight));
  y += 4;
  const names = legend(
    { x: size.margin, y, width: inner },
    "Classes",
    legendEntries(shown, classes),
  );
  parts.push(names.svg);
  y += names.height + 26;

  const { targeted } = outcome.options;
  const wrong = legend(
    { x: size.margin, y, width: inner },
    targeted
      ? "Pixels still wrong, in the colour of the class they are to get"
      : "Pixels that still have the label to leave, in its colour",
    [{ label: targeted ? "already right" : "already another class", swatch: rightColour }],
  );
  parts.push(wrong.svg);
  y += wrong.height + 12;
  const tiles = wrongTiles(shown, classes, {
    size: sizeOf(strip.columns, strip.maxHeight),
    count: strip.columns - 1,
  });
  const { place } = row(tiles, strip.columns, strip.maxHeight);
  const facts = factsSvg(shown, place);
  parts.push(facts.svg);
  const bottom = Math.max(y, place.y + facts.height);
  return page({ width: size.width, height: Math.ceil(bottom + size.margin / 2) }, parts);
}

/** Title, verdict and change in words, and what was measured how. */
function header(shown: ShownResult): { readonly svg: string; readonly height: number } {
  const { attack, outcome, savedFile, slice, title } = shown;
  const words = verdictWords(outcome);
  const parts: string[] = [];
  let y = size.margin - 8;
  const add = (content: string, style: TextStyle, { indent = 0, after = 4 } = {}) => {
    const at = { x: size.margin + indent, y, width: inner - indent };
    const block = paragraph(at, content, style);
    parts.push(block.svg);
    y += block.height + after;
  };
  add(title, styles.title, { after: 10 });
  parts.push(mark(outcome.reached, size.margin + 11, y + 13));
  add(words.goal, styles.verdict, { indent: 34, after: 4 });
  add(words.change, styles.line);
  add(
    `${attack}, measured on ${savedFile} as it was read back, by the untouched model.${slice === undefined ? "" : ` Shown: ${sliceWords(slice)}.`}`,
    styles.line,
    { after: 22 },
  );
  return { svg: parts.join(""), height: y };
}

/** A tick or a cross: shape says it as well as colour. */
function mark(isGood: boolean, x: number, y: number): string {
  const path = isGood ? `M${x - 5} ${y}l4 4.5l7 -8.5` : `M${x - 4.5} ${y - 4.5}l9 9m0 -9l-9 9`;
  return (
    `<circle cx="${x}" cy="${y}" r="11" fill="${isGood ? ink.good : ink.bad}"/>` +
    `<path d="${path}" fill="none" stroke="#ffffff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>`
  );
}

function legendEntries(shown: ShownResult, classes: readonly ShownClass[]): LegendEntry[] {
  return [
    ...classes.map(({ colour, name }) => ({ label: name, swatch: colour })),
    ...(shown.target.data.includes(ignored)
      ? [{ label: "does not count", swatch: ignoreColour }]
      : []),
    ...(coversImage(shown)
      ? []
      : [{ label: "the model labels nothing here", swatch: "outside" as const }]),
    ...(shown.region === undefined
      ? []
      : [{ label: "region that may change", swatch: "outline" as const }]),
  ];
}

/** The figures below each other. */
function factsSvg(
  { change, outcome }: ShownResult,
  at: { readonly x: number; readonly y: number; readonly width: number },
): { readonly svg: string; readonly height: number } {
  const { options, saved, visibility } = outcome;
  const { range } = change.unit;
  const facts: (readonly [string, string])[] = [
    [percent(saved.iou), `IoU (${iouWords[options.iouDefinition]})`],
    [percent(saved.pixelAccuracy), "pixel accuracy"],
    [
      range === 1 ? changeNumber(saved.linf) : `${changeNumber(saved.linf * range)}/${range}`,
      "L∞, largest change",
    ],
    [changeNumber(saved.l2), "L2"],
    ...(visibility.psnr === null ? [] : [[`${visibility.psnr.toFixed(1)} dB`, "PSNR"] as const]),
  ];
  const step = 62;
  const svg = facts.map(([value, name], k) => {
    const top = at.y + k * step;
    return (
      text(at.x, top + 24, value, styles.fact) +
      text(at.x, top + 46, shorten(name, styles.factName, at.width), styles.factName)
    );
  });
  return { svg: svg.join(""), height: facts.length * step };
}
