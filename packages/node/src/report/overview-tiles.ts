import { ignored, type ImageTensor, type LabelMap } from "@onnx-asma/core";
import { percent } from "@onnx-asma/core/verdict-words";
import { resizeChange } from "./change-map.ts";
import { changePicture, magnitudeScale, type ChangeScale } from "./change-scales.ts";
import { colourFrom, type ShownClass } from "./class-colours.ts";
import { colourBar, colourBarHeight } from "./colour-bar.ts";
import { displayWindow, wholeRange, type DisplayWindow } from "./display-window.ts";
import { embedded, frame, ink, shorten, text, type TextStyle } from "./figure-svg.ts";
import { maskPicture } from "./mask-picture.ts";
import { imagePicture, resizePicture, type Picture, type Placement } from "./picture.ts";
import { outlineSvg, regionOutline } from "./region-outline.ts";
import type { ShownResult } from "./shown-result.ts";
import { wrongPixelsPicture } from "./wrong-pixels-picture.ts";

/** Width and height in pixels. */
export interface TileSize {
  readonly width: number;
  readonly height: number;
}

/** A picture with words below it. */
export interface Tile {
  readonly caption: string;
  readonly note: string;
  /** Draws the picture with its upper left corner at a place. */
  readonly draw: (x: number, y: number) => string;
  /** In place of the note: the scale of its colours. */
  readonly scale?: ChangeScale | undefined;
}

const captionStyle: TextStyle = { size: 20, isBold: true };
const noteStyle: TextStyle = { size: 17, fill: ink.quiet };
const barFont = 16;

/** Height of the words below a picture. */
export const wordsHeight = 72;

/** A tile in its column. */
export function tileSvg(
  tile: Tile,
  size: TileSize,
  at: { readonly x: number; readonly y: number; readonly width: number },
): string {
  const { x, y, width } = at;
  const below = y + size.height;
  const words =
    tile.scale === undefined
      ? text(x, below + 52, shorten(tile.note, noteStyle, width), noteStyle)
      : colourBar(tile.scale, {
          x,
          y: below + 38,
          width: barWidth(size, width),
          fontSize: barFont,
        });
  return (
    tile.draw(x, y) +
    frame(x, y, size) +
    text(x, below + 27, shorten(tile.caption, captionStyle, width), captionStyle) +
    words
  );
}

/** As wide as the picture, unless that is too narrow for the numbers. */
function barWidth({ width }: TileSize, column: number): number {
  return width < column / 2 ? column : width;
}

/** Room below a colour bar that a note would not need. */
export const extraForBar = Math.max(0, 38 + colourBarHeight(barFont) - 60);

/** Before: the image, what the model draws, and what it shall draw. After: the same, and the change. */
export function mainTiles(
  shown: ShownResult,
  classes: readonly ShownClass[],
  size: TileSize,
): readonly [readonly Tile[], readonly Tile[]] {
  const { change, outcome, region } = shown;
  const window = displayWindow(shown.original);
  const mask = maskTile(shown, size);
  const colourOf = colourFrom(classes);
  const labels = (map: LabelMap) => mask(maskPicture(map, { ignoreLabel: ignored, colourOf }));
  const outline =
    region === undefined
      ? () => ""
      : (x: number, y: number) => outlineSvg(regionOutline(region, { x, y, ...size }));
  const scale = magnitudeScale(change);
  const { targeted } = outcome.options;
  const image = imageNote(shown.original, window);
  return [
    [
      {
        caption: "Image",
        note: image === "" ? "untouched" : image,
        draw: imageTile(shown.original, window, size),
      },
      {
        caption: "Prediction",
        note: "what the model draws",
        draw: labels(shown.predictionBefore),
      },
      {
        caption: targeted ? "Target" : "Labels to leave",
        note: targeted ? "what the attack wants drawn" : "what the attack wants gone",
        draw: labels(shown.target),
      },
    ],
    [
      {
        caption: "Adversarial image",
        note: image === "" ? "what the model is shown" : image,
        draw: imageTile(shown.adversarial, window, size),
      },
      {
        caption: "Prediction on it",
        note: "what the model draws now",
        draw: labels(shown.predictionAfter),
      },
      {
        caption: change.changed === 0 ? "Change" : `Change, in ${change.unit.name}`,
        note: "nothing changed",
        draw: (x, y) =>
          embedded(changePicture(resizeChange(change, size.width, size.height), scale), x, y) +
          outline(x, y),
        scale: change.changed === 0 ? undefined : scale,
      },
    ],
  ];
}

/** Which pixels were still wrong along the way, at last on the best image as it was saved. */
export function wrongTiles(
  shown: ShownResult,
  classes: readonly ShownClass[],
  { size, count }: { readonly size: TileSize; readonly count: number },
): readonly Tile[] {
  const { outcome, predictionAfter, slice, target } = shown;
  const best = outcome.best.step;
  const before = shown.snapshots.filter(({ iteration }) => iteration < best);
  const mask = maskTile(shown, size);
  const tile = (prediction: LabelMap, caption: string): Tile => {
    const picture = wrongPixelsPicture(prediction, target, {
      colourOf: colourFrom(classes),
      targeted: outcome.options.targeted,
    });
    const { wrong } = picture;
    const where = slice === undefined ? "" : " in this slice";
    return {
      caption,
      note: `${wrong.toLocaleString("en")} pixel${wrong === 1 ? "" : "s"}${where}`,
      draw: mask(picture),
    };
  };
  const name = (iteration: number) => `Iteration ${iteration.toLocaleString("en")}`;
  return [
    ...evenlySpaced(before, count - 1).map((snapshot) =>
      tile(snapshot.prediction, name(snapshot.iteration)),
    ),
    tile(predictionAfter, `${name(best)}: the best`),
  ];
}

function imageTile(image: ImageTensor, window: DisplayWindow, size: TileSize): Tile["draw"] {
  const picture = resizePicture(imagePicture(image, window), size.width, size.height);
  return (x, y) => embedded(picture, x, y);
}

/** What is not to be seen in the picture of an image. */
function imageNote(image: ImageTensor, window: DisplayWindow): string {
  const [, channels] = image.dims;
  return [
    ...(channels === 2 ? ["channels 1 and 2 as red and green"] : []),
    ...(channels > 3 ? [`channels 1 to 3 of ${channels} as red, green, blue`] : []),
    ...(window === wholeRange
      ? []
      : [`shown from ${percent(window.low)} to ${percent(window.high)} of the range`]),
  ].join("; ");
}

/** Lays a picture of labels where it belongs, so that it lines up with the images. */
function maskTile({ placement, original }: ShownResult, size: TileSize) {
  const [, , height, width] = original.dims as readonly [1, number, number, number];
  const place = scaled(placement, { width, height }, size);
  const isWhole =
    place.left <= 0 && place.top <= 0 && place.right >= size.width && place.bottom >= size.height;
  return (picture: Picture): Tile["draw"] => {
    const resized = resizePicture(picture, place.right - place.left, place.bottom - place.top);
    const cut = crop(resized, place, size);
    return (x, y) =>
      (isWhole
        ? ""
        : `<rect x="${x}" y="${y}" width="${size.width}" height="${size.height}" fill="url(#outside)"/>`) +
      embedded(cut, x + Math.max(0, place.left), y + Math.max(0, place.top));
  };
}

/** Whether labels lie on all of the image. */
export function coversImage({ placement, original }: ShownResult): boolean {
  const [, , height, width] = original.dims as readonly [1, number, number, number];
  const { top, left } = placement;
  return (
    top <= 0 && left <= 0 && top + placement.height >= height && left + placement.width >= width
  );
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function scaled({ top, left, height, width }: Placement, from: TileSize, to: TileSize): Box {
  const [sx, sy] = [to.width / from.width, to.height / from.height];
  const box = { left: Math.round(left * sx), top: Math.round(top * sy) };
  return {
    ...box,
    right: Math.max(box.left + 1, Math.round((left + width) * sx)),
    bottom: Math.max(box.top + 1, Math.round((top + height) * sy)),
  };
}

/** The part of a picture that lies within the tile. */
function crop(picture: Picture, box: Box, tile: TileSize): Picture {
  const [fromX, fromY] = [Math.max(0, -box.left), Math.max(0, -box.top)];
  const width = Math.min(box.right, tile.width) - Math.max(0, box.left);
  const height = Math.min(box.bottom, tile.height) - Math.max(0, box.top);
  if (width === picture.width && height === picture.height) {
    return picture;
  }
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((fromY + y) * picture.width + fromX);
    rgb.set(picture.rgb.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { rgb, width, height };
}

/** The first, the last and evenly spaced ones between them; all when there are no more than `count`. */
function evenlySpaced<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) {
    return [...items];
  }
  return Array.from(
    { length: count },
    (_, k) => items[Math.round((k * (items.length - 1)) / (count - 1))] as T,
  );
}
