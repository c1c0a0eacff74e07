import { countOf, type LabelMap, type Size } from "../../image.ts";
import type { Preprocessing } from "../input/preprocessing.ts";
import { inputSizeOf } from "../input/preprocessing.ts";

/**
 * Where the output grid lies on the model's input: `same` size, a centred `crop` (valid
 * convolutions), the whole input at a coarser or other scale (`scaled`), or on the user's own pixels
 * (`image`).
 */
export type GridKind = "same" | "crop" | "scaled" | "image";

/** Position of the output grid in pixels of the user's image; fractions when scaled. */
export interface Placement {
  /** Of volumes. */
  readonly front?: number;
  /** Row of its upper left corner. */
  readonly top: number;
  /** Column of its upper left corner. */
  readonly left: number;
  /** Of volumes. */
  readonly depth?: number;
  /** Rows that it covers. */
  readonly height: number;
  /** Columns that it covers. */
  readonly width: number;
}

/** The output grid: its size, and the part of the image that it covers. */
export interface OutputGrid {
  readonly kind: GridKind;
  readonly size: Size;
  /** May reach into the padding. */
  readonly placement: Placement;
}

/** Decides what the output grid covers, from sizes alone. */
export function outputGrid(size: Size, preprocessing: Preprocessing): OutputGrid {
  const inputSize = inputSizeOf(preprocessing);
  const kind = gridKind(inputSize, size);
  const { imageSize, resizedSize, padding } = preprocessing;
  const begin = inputSize.map((n, i) => {
    const margin = kind === "crop" ? (n - (size[i] as number)) / 2 : 0;
    const scale = (imageSize[i] as number) / (resizedSize[i] as number);
    return (margin - (padding[i] as number)) * scale;
  });
  const extent = inputSize.map(
    (n, i) =>
      ((kind === "crop" ? (size[i] as number) : n) * (imageSize[i] as number)) /
      (resizedSize[i] as number),
  );
  return { kind, size, placement: toPlacement(begin, extent) };
}

/** The grid of the user's own pixels. */
export function imageGrid(imageSize: Size): OutputGrid {
  const begin = imageSize.map(() => 0);
  return { kind: "image", size: imageSize, placement: toPlacement(begin, imageSize) };
}

function toPlacement(begin: readonly number[], extent: readonly number[]): Placement {
  const [top, left] = begin.slice(-2) as [number, number];
  const [height, width] = extent.slice(-2) as [number, number];
  const plane = { top, left, height, width };
  return begin.length === 2 ? plane : { front: begin[0], depth: extent[0], ...plane };
}

/** What an output of a size covers of an input of a size. */
export function gridKind(
  input: readonly number[],
  output: readonly number[],
): "same" | "crop" | "scaled" {
  const margins = input.map((n, i) => n - (output[i] as number));
  if (margins.every((n) => n === 0)) {
    return "same";
  }
  const isWhole = input.every((n, i) => n % (output[i] as number) === 0);
  const [first = 0] = margins;
  const isCentred = margins.every((n) => n === first) && first > 0 && first % 2 === 0;
  return !isWhole && isCentred ? "crop" : "scaled";
}

/** Brings a label map on the image's grid to the output grid (nearest pixel, border repeated). */
export function toOutputGrid(labels: LabelMap, { size, placement: p }: OutputGrid): LabelMap {
  const begin = [p.front ?? 0, p.top, p.left].slice(-size.length);
  const extent = [p.depth ?? 0, p.height, p.width].slice(-size.length);
  // Where each row (column, slice) of the grid is taken from.
  const from = size.map((n, axis) =>
    Array.from({ length: n }, (_, i) => {
      const x = (begin[axis] as number) + ((i + 0.5) * (extent[axis] as number)) / n;
      return Math.min(Math.max(Math.floor(x), 0), (labels.dims[axis] as number) - 1);
    }),
  );
  let offsets = [0];
  from.forEach((indices, axis) => {
    const n = labels.dims[axis] as number;
    offsets = offsets.flatMap((offset) => indices.map((i) => offset * n + i));
  });
  const data = new Int32Array(countOf(size));
  offsets.forEach((offset, i) => {
    data[i] = labels.data[offset] as number;
  });
  return { data, dims: size };
}
