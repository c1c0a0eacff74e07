import { Buffer } from "node:buffer";
import type { ImageTensor } from "@onnx-asma/core";
import type { LabelMap } from "@onnx-asma/core";
import { wrongPixelColours, wrongPixelsPicture } from "./wrong-pixels-picture.ts";
import { maskPicture, overlay } from "./mask-picture.ts";
import { perturbationPicture, type PerturbationPicture } from "./perturbation-picture.ts";
import {
  encodePicture,
  fitInto,
  imagePicture,
  resizePicture,
  type Picture,
  type Placement,
} from "./picture.ts";
import { escapeXml, fontFamily, renderSvg, textWidth } from "./render-svg.ts";

/** What the overview shows. All label maps have the same dims, both images too. */
export interface Overview {
  /** The image before the attack. */
  readonly original: ImageTensor;
  /** The model's prediction for it. */
  readonly prediction: LabelMap;
  readonly target: LabelMap;
  readonly adversarial: ImageTensor;
  readonly adversarialPrediction: LabelMap;
  /** Predictions along the way; four of them, evenly spaced, show which pixels are still wrong. */
  readonly snapshots: readonly { readonly iteration: number; readonly prediction: LabelMap }[];
  readonly ignoreLabel?: number;
  /** Where the label maps lie in the image, in its pixels. Default: all of it. */
  readonly placement?: Placement;
  /** Headline, such as the model's and the image's name. */
  readonly title?: string;
  /** Line below it, such as the metrics. */
  readonly subtitle?: string;
  /** Up to five figures beside them, such as { name: "IoU", value: "98.2 %" }. */
  readonly facts?: readonly { readonly name: string; readonly value: string }[];
}

const page = { width: 1600, margin: 40, gap: 20, maxTileHeight: 420 };
const columns = 5;
const tileWidth = (page.width - 2 * page.margin - (columns - 1) * page.gap) / columns;
const ink = { text: "#1d2127", quiet: "#5d6572", frame: "#d5d9df" };

interface Tile {
  readonly picture: Picture;
  readonly caption: string;
  readonly note?: string;
}

/**
 * The whole attack in one PNG (1600 pixels wide) in the manner of the paper's figure. Above: the image
 * with its prediction, the target, the adversarial image, its prediction, the amplified perturbation.
 * Below: up to four snapshots of the pixels that are still wrong.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when images or label maps differ in dims.
 */
export function overviewPicture(overview: Overview): Uint8Array {
  return renderSvg(overviewSvg(overview));
}

/** The SVG behind {@link overviewPicture}; pictures are embedded as PNG data URIs. */
export function overviewSvg(overview: Overview): string {
  const { original, adversarial, target, prediction, adversarialPrediction, ignoreLabel } =
    overview;
  const image = imagePicture(original);
  const attacked = imagePicture(adversarial);
  const perturbation = perturbationPicture(original, adversarial);
  const tileSize = fitInto(image, { width: tileWidth, height: page.maxTileHeight });
  const fit = (picture: Picture): Picture =>
    resizePicture(picture, tileSize.width, tileSize.height);
  const placement = scalePlacement(overview.placement, image, tileSize);
  const withMask = (picture: Picture, labels: LabelMap): Picture =>
    overlay(fit(picture), labels, { placement, ignoreLabel });
  const asMask = (picture: Picture): Picture => place(picture, placement, tileSize);

  const above: Tile[] = [
    { picture: withMask(image, prediction), caption: "Image", note: "with the model's prediction" },
    {
      picture: asMask(maskPicture(target, { ignoreLabel })),
      caption: "Target mask",
      note: "chosen by the attacker",
    },
    { picture: fit(attacked), caption: "Adversarial image", note: "what the model is shown" },
    {
      picture: asMask(maskPicture(adversarialPrediction)),
      caption: "Adversarial prediction",
      note: "what the model draws",
    },
    { picture: fit(perturbation), caption: "Perturbation", note: amplified(perturbation) },
  ];
  const below: Tile[] = evenlySpaced(overview.snapshots, columns - 1).map((snapshot) => ({
    picture: asMask(wrongPixelsPicture(snapshot.prediction, target, { ignoreLabel })),
    caption: `Iteration ${snapshot.iteration.toLocaleString("en")}`,
    note: wrongPixels(snapshot.prediction, target, ignoreLabel),
  }));

  let y = page.margin;
  const parts: string[] = [];
  if (overview.title) {
    parts.push(text(page.margin, y + 24, shorten(overview.title, 27), 27, ink.text, 600));
    y += 42;
  }
  if (overview.subtitle) {
    parts.push(text(page.margin, y + 15, shorten(overview.subtitle, 18), 18, ink.quiet));
    y += 34;
  }
  if (overview.title || overview.subtitle) y += 10;
  const rowHeight = tileSize.height + 54;
  parts.push(...above.map((tile, column) => tileSvg(tile, column, y)));
  y += rowHeight;
  if (below.length > 0) {
    y += 26;
    parts.push(text(page.margin, y + 14, "Wrong pixels", 20, ink.text, 600));
    parts.push(legend(page.margin + 152, y + 14, overview.ignoreLabel !== undefined));
    y += 34;
    parts.push(...below.map((tile, column) => tileSvg(tile, column, y)));
    parts.push(factsSvg(overview.facts ?? [], y, tileSize.height));
    y += rowHeight;
  }
  const height = y + page.margin - 16;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${page.width} ${height}" width="${page.width}" ` +
    `height="${height}" font-family="${fontFamily}, system-ui, sans-serif">` +
    `<rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}</svg>`
  );
}

function tileSvg({ picture, caption, note }: Tile, column: number, y: number): string {
  const { width, height } = picture;
  const x = page.margin + column * (tileWidth + page.gap);
  const uri = `data:image/png;base64,${Buffer.from(encodePicture(picture)).toString("base64")}`;
  return (
    `<image x="${x}" y="${y}" width="${width}" height="${height}" href="${uri}"/>` +
    `<rect x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" height="${height + 1}" fill="none" stroke="${ink.frame}"/>` +
    text(x, y + height + 24, caption, 17, ink.text, 600) +
    (note ? text(x, y + height + 45, note, 15, ink.quiet) : "")
  );
}

/** Figures in the last column, spread over the height of a tile. */
function factsSvg(facts: Overview["facts"] & object, y: number, height: number): string {
  const x = page.margin + (columns - 1) * (tileWidth + page.gap) + 12;
  const shown = facts.slice(0, 5);
  const step = Math.max(44, Math.min(72, (height + 40) / Math.max(1, shown.length)));
  return shown
    .map(({ name, value }, k) => {
      const top = y + k * step;
      return text(x, top + 22, value, 25, ink.text, 600) + text(x, top + 41, name, 15, ink.quiet);
    })
    .join("");
}

function text(
  x: number,
  y: number,
  content: string,
  size: number,
  fill: string,
  weight = 400,
): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escapeXml(content)}</text>`;
}

/** Cuts a line that would run over the page. */
function shorten(line: string, size: number): string {
  const room = page.width - 2 * page.margin;
  const characters = [...line];
  while (characters.length > 1 && textWidth(characters.join(""), size) > room) characters.pop();
  return characters.length === [...line].length ? line : `${characters.slice(0, -1).join("")}…`;
}

function legend(x: number, baseline: number, withIgnored: boolean): string {
  const entries = [
    { colour: wrongPixelColours.toBackground, label: "must become background" },
    { colour: wrongPixelColours.toForeground, label: "must become foreground" },
    { colour: wrongPixelColours.right, label: "already right" },
    ...(withIgnored ? [{ colour: wrongPixelColours.ignored, label: "ignored" }] : []),
  ];
  let at = x;
  return entries
    .map(({ colour, label }) => {
      const swatch = `<rect x="${at}" y="${baseline - 13}" width="15" height="15" rx="2" fill="rgb(${colour.join(",")})"/>`;
      const part = swatch + text(at + 23, baseline, label, 16, ink.quiet);
      at += 23 + textWidth(label, 16) + 30;
      return part;
    })
    .join("");
}

function amplified({ factor, rgb }: PerturbationPicture): string {
  return rgb.every((value) => value === rgb[0])
    ? "too small to draw"
    : `amplified ×${factor}, grey is zero`;
}

function wrongPixels(prediction: LabelMap, target: LabelMap, ignoreLabel?: number): string {
  let wrong = 0;
  target.data.forEach((label, i) => {
    if (label !== ignoreLabel && label !== prediction.data[i]) wrong++;
  });
  return wrong === 1 ? "1 wrong pixel" : `${wrong.toLocaleString("en")} wrong pixels`;
}

/** The first, the last and evenly spaced ones between them; all when there are no more than `count`. */
function evenlySpaced<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from(
    { length: count },
    (_, k) => items[Math.round((k * (items.length - 1)) / (count - 1))] as T,
  );
}

function scalePlacement(
  placement: Placement | undefined,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Placement {
  if (!placement) return { top: 0, left: 0, ...to };
  const [sx, sy] = [to.width / from.width, to.height / from.height];
  const { top, left, height, width } = placement;
  return { top: top * sy, left: left * sx, height: height * sy, width: width * sx };
}

/** Lays a mask picture where it belongs on an empty tile, so that it lines up with the images. */
function place(
  picture: Picture,
  placement: Placement,
  tile: { width: number; height: number },
): Picture {
  const [top, left] = [Math.round(placement.top), Math.round(placement.left)];
  const width = Math.max(1, Math.round(placement.left + placement.width) - left);
  const height = Math.max(1, Math.round(placement.top + placement.height) - top);
  const resized = resizePicture(picture, width, height);
  if (top === 0 && left === 0 && width === tile.width && height === tile.height) return resized;
  const rgb = new Uint8Array(3 * tile.width * tile.height).fill(240);
  for (let y = Math.max(0, -top); y < height && top + y < tile.height; y++) {
    for (let x = Math.max(0, -left); x < width && left + x < tile.width; x++) {
      const from = 3 * (y * width + x);
      rgb.set(resized.rgb.subarray(from, from + 3), 3 * ((top + y) * tile.width + left + x));
    }
  }
  return { rgb, width: tile.width, height: tile.height };
}
