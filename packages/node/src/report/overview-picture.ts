import { ignored } from "@onnx-asma/core";
import { iouName, percent, verdictWords, type Outcome } from "@onnx-asma/core/verdict-words";
import { ignoreColour } from "../images/palette.ts";
import type { ChangeUnit } from "./change-map.ts";
import { changeNumber } from "./change-scales.ts";
import { classesIn, type ShownClass } from "./class-colours.ts";
import { legend, outsidePattern, type LegendEntry } from "./figure-legend.ts";
import { ink, page, paragraph, text, type TextStyle } from "./figure-svg.ts";
import {
  coversImage,
  extraForBar,
  mainTiles,
  tileSvg,
  wordsHeight,
  wrongTiles,
  type Tile,
  type TileSize,
} from "./overview-tiles.ts";
import { fitInto } from "./picture.ts";
import { renderSvg } from "./render-svg.ts";
import { sliceWords, type ShownResult } from "./shown-result.ts";
import { rightColour } from "./wrong-pixels-picture.ts";

const size = { width: 1600, margin: 44, gap: 28 };
const inner = size.width - 2 * size.margin;
/** Columns and largest height of pictures: of the main ones, of those along the way. */
const rows = { main: { columns: 3, height: 486 }, way: { columns: 6, height: 240 } };
const styles = {
  title: { size: 28, isBold: true },
  verdict: { size: 21 },
  line: { size: 18, fill: ink.quiet },
  fact: { size: 27, isBold: true },
  factName: { size: 16, fill: ink.quiet },
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
  const classes = classesIn([predictionBefore, target, predictionAfter], shown.classNames);
  const parts: string[] = [`<defs>${outsidePattern}</defs>`];
  let y = size.margin - 8;
  const add = ({ svg, height }: Block, after: number) => {
    parts.push(svg);
    y += height + after;
  };
  add(header(shown, y), 14);
  add(factsSvg(outcome, shown.change.unit, y), 20);
  for (const tiles of mainTiles(shown, classes, tileSize(shown, rows.main))) {
    add(rowSvg(tiles, shown, { y, ...rows.main }), 0);
  }
  const names = { x: size.margin, y: y + 4, width: inner };
  add(legend(names, "Classes", legendEntries(shown, classes)), 30);
  const { targeted } = outcome.options;
  const way = legend(
    { x: size.margin, y, width: inner },
    targeted
      ? "Pixels still wrong, in the colour of the class they are to get"
      : "Pixels that still have the label to leave, in its colour",
    [{ label: targeted ? "already right" : "already another class", swatch: rightColour }],
  );
  add(way, 12);
  const wrong = { size: tileSize(shown, rows.way), count: rows.way.columns };
  add(rowSvg(wrongTiles(shown, classes, wrong), shown, { y, ...rows.way }), size.margin / 2);
  return page({ width: size.width, height: Math.ceil(y) }, parts);
}

/** A part of the page and how high it is. */
interface Block {
  readonly svg: string;
  readonly height: number;
}

/** Where a column begins, in whole pixels, and how wide it is. */
function columnOf(k: number, columns: number): { readonly x: number; readonly width: number } {
  const width = (inner - (columns - 1) * size.gap) / columns;
  return { x: Math.round(size.margin + k * (width + size.gap)), width: Math.floor(width) };
}

function tileSize(
  { original }: ShownResult,
  { columns, height: most }: typeof rows.main,
): TileSize {
  const [height, width] = original.dims.slice(-2) as [number, number];
  return fitInto({ width, height }, { width: columnOf(0, columns).width, height: most });
}

function rowSvg(
  tiles: readonly Tile[],
  shown: ShownResult,
  row: typeof rows.main & { readonly y: number },
): Block {
  const sizeOfAll = tileSize(shown, row);
  const hasBar = tiles.some(({ scale }) => scale !== undefined);
  return {
    svg: tiles
      .map((tile, k) => tileSvg(tile, sizeOfAll, { ...columnOf(k, row.columns), y: row.y }))
      .join(""),
    height: sizeOfAll.height + wordsHeight + (hasBar ? extraForBar : 0),
  };
}

/** Title, verdict and change in words, and what was measured how. */
function header(shown: ShownResult, top: number): Block {
  const { attack, outcome, savedFile, slice, title } = shown;
  const words = verdictWords(outcome);
  const parts: string[] = [];
  let y = top;
  const add = (content: string, style: TextStyle, { indent = 0, after = 4 } = {}) => {
    const at = { x: size.margin + indent, y, width: inner - indent };
    const block = paragraph(at, content, style);
    parts.push(block.svg);
    y += block.height + after;
  };
  add(title, styles.title, { after: 10 });
  parts.push(mark(outcome.reached, size.margin + 11, y + 14));
  add(words.goal, styles.verdict, { indent: 34 });
  add(words.change, styles.line);
  const where = slice === undefined ? "" : ` Shown: ${sliceWords(slice)}.`;
  add(
    `${attack}, measured on ${savedFile} as it was read back, by the untouched model.${where}`,
    styles.line,
  );
  return { svg: parts.join(""), height: y - top };
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

/** The figures beside each other, each above what it is. */
function factsSvg({ options, saved, visibility }: Outcome, unit: ChangeUnit, y: number): Block {
  const largest = changeNumber(saved.linf * unit.range);
  const facts = [
    [percent(saved.iou, options.targeted ? "down" : "up"), iouName(options.iouDefinition)],
    [percent(saved.pixelAccuracy, options.targeted ? "down" : "up"), "pixel accuracy"],
    [unit.range === 1 ? largest : `${largest}/${unit.range}`, "L∞, the largest change"],
    [changeNumber(saved.l2), "L2 of the change"],
    [percent(visibility.changedPixels), "of the pixels changed"],
    [visibility.psnr === null ? "∞" : `${visibility.psnr.toFixed(1)} dB`, "PSNR"],
  ] as const;
  const blocks = facts.map(([value, name], k) => {
    const { x, width } = columnOf(k, facts.length);
    const below = paragraph({ x, y: y + 32, width }, name, styles.factName);
    return { svg: text(x, y + 24, value, styles.fact) + below.svg, height: 32 + below.height };
  });
  return {
    svg: blocks.map(({ svg }) => svg).join(""),
    height: Math.max(...blocks.map(({ height }) => height)),
  };
}
