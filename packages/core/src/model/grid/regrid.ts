import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import { countOf, type Size } from "../../image.ts";
import { appendResampling } from "../input/append-resampling.ts";
import { inputSizeOf, type Preprocessing } from "../input/preprocessing.ts";
import { resamplingMatrix } from "../input/resampling-matrix.ts";

/** One change of the grid on which scores lie. */
export type RegridStep =
  | {
      /** A part of the grid. */
      readonly kind: "crop";
      /** Its first pixel along each axis. */
      readonly begin: readonly number[];
      /** Its size. */
      readonly size: Size;
    }
  | {
      /** Bilinear, as wide as the scale where it shrinks. */
      readonly kind: "resize";
      /** The size to resize to. */
      readonly size: Size;
    };

/**
 * The way from a grid over the whole input of the model to the user's own pixels: resized to the
 * input's size, the padding cut off, resized to the image's size. What is not needed is left out.
 */
export function stepsToImage(size: Size, preprocessing: Preprocessing): RegridStep[] {
  const { imageSize, resizedSize, padding } = preprocessing;
  const rank = size.length;
  const isPadded = padding.some((n) => n > 0);
  const steps: RegridStep[] = [];
  if (isPadded) {
    steps.push({ kind: "resize", size: inputSizeOf(preprocessing) });
    steps.push({ kind: "crop", begin: padding.slice(0, rank), size: resizedSize });
  }
  steps.push({ kind: "resize", size: imageSize });
  return steps;
}

/**
 * Appends the steps to a graph.
 *
 * @param x float32 [N, K, …size]
 */
export function appendRegrid(b: GraphBuilder, x: Value, steps: readonly RegridStep[]): Value {
  let y = x;
  for (const step of steps) {
    const axes = step.size.map((_, i) => i + 2);
    if (step.kind === "resize") {
      for (const axis of axes.toReversed()) {
        y = appendResampling(b, y, axis, step.size[axis - 2] as number);
      }
    } else if (step.size.some((n, i) => n !== y.dims[i + 2])) {
      const ends = step.begin.map((from, i) => from + (step.size[i] as number));
      y = b.slice(y, axes, step.begin, ends);
    }
  }
  return y;
}

/**
 * The same on planes of numbers, in JavaScript: what verdicts use.
 *
 * @param size of the planes given, row by row
 */
export function regridder(
  size: Size,
  steps: readonly RegridStep[],
): (plane: Float64Array) => { readonly data: Float64Array; readonly size: Size } {
  let dims: readonly number[] = size;
  const changes: ((data: Float64Array) => Float64Array)[] = [];
  for (const step of steps) {
    step.size.forEach((to, axis) => {
      const from = dims[axis] as number;
      if (from !== to) {
        const rows =
          step.kind === "resize"
            ? resamplingMatrix(from, to).map(entriesOf)
            : Array.from({ length: to }, (_, i) => [
                [(step.begin[axis] as number) + i, 1] as const,
              ]);
        const before = dims;
        changes.push((data) => mapAxis(data, before, axis, rows));
      }
      dims = dims.map((n, i) => (i === axis ? to : n));
    });
  }
  return (plane) => ({
    data: changes.reduce((data, change) => change(data), plane),
    size: dims as unknown as Size,
  });
}

/** What a row of a matrix takes: index and weight. */
type Entries = readonly (readonly [number, number])[];

function entriesOf(row: readonly number[]): Entries {
  return row.flatMap((weight, j) => (weight === 0 ? [] : [[j, weight] as const]));
}

function mapAxis(
  data: Float64Array,
  dims: readonly number[],
  axis: number,
  rows: readonly Entries[],
): Float64Array {
  const from = dims[axis] as number;
  const to = rows.length;
  const [outer, inner] = [countOf(dims.slice(0, axis)), countOf(dims.slice(axis + 1))];
  const result = new Float64Array(outer * to * inner);
  rows.forEach((entries, i) => {
    for (const [j, weight] of entries) {
      for (let o = 0; o < outer; o++) {
        const [source, target] = [(o * from + j) * inner, (o * to + i) * inner];
        for (let k = 0; k < inner; k++) {
          result[target + k] =
            (result[target + k] as number) + weight * (data[source + k] as number);
        }
      }
    }
  });
  return result;
}
