import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import { resamplingMatrix, type Resampling } from "./resampling-matrix.ts";

/** Pixels per block: each block is one matrix product with the few output pixels it bears on. */
const blockSize = 128;

/**
 * Resamples one spatial axis of images ([N, C, H, W] or [N, C, D, H, W]).
 *
 * The matrix has a narrow band of weights, so the input is split into blocks and each is multiplied
 * by its part of the band. The blocks do not overlap: on the way back their gradients are simply
 * concatenated, and all additions happen on the smaller side.
 */
export function appendResampling(
  b: GraphBuilder,
  x: Value,
  axis: number,
  to: number,
  resampling: Resampling = "bilinear",
): Value {
  const from = x.dims[axis] as number;
  if (from === to) {
    return x;
  }
  const matrix = resamplingMatrix(from, to, resampling);
  const dims = x.dims.map((d, i) => (i === axis ? to : d));
  const [images] = x.dims as readonly [number];
  // Matrix products work on the last two axes; an axis before them becomes the last but one.
  const before = product(x.dims.slice(1, axis));
  const after = product(x.dims.slice(axis + 1));
  const isLast = axis === x.dims.length - 1;
  const rows = isLast ? (x.dims.at(-2) as number) : after;
  const flat = isLast ? [images, before / rows, rows, from] : [images, before, from, rows];
  const resampled = resample(b, b.reshape(x, flat), isLast ? 3 : 2, matrix);
  return b.reshape(resampled, dims);
}

function product(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}

function resample(
  b: GraphBuilder,
  x: Value,
  axis: 2 | 3,
  matrix: readonly (readonly number[])[],
): Value {
  const [from, to] = [x.dims[axis] as number, matrix.length];
  const sizes = Array.from({ length: Math.ceil(from / blockSize) }, (_, i) =>
    Math.min(blockSize, from - i * blockSize),
  );
  const blocks = sizes.length === 1 ? [x] : b.split(x, axis, sizes);
  const parts = blocks.flatMap((block, i) => {
    const start = i * blockSize;
    const end = start + (sizes[i] as number);
    const bearsOn = matrix.map((row) => row.slice(start, end).some((weight) => weight !== 0));
    const first = bearsOn.indexOf(true);
    if (first < 0) {
      return [];
    }
    const last = bearsOn.lastIndexOf(true) + 1;
    const band = matrix.slice(first, last).map((row) => row.slice(start, end));
    const pads = [0, 0, 0, 0, 0, 0, 0, 0];
    pads[axis] = first;
    pads[axis + 4] = to - last;
    return [b.pad(multiply(b, block, axis, band), pads)];
  });
  return parts.reduce((sum, part) => b.op("Add", [sum, part]));
}

function multiply(
  b: GraphBuilder,
  x: Value,
  axis: 2 | 3,
  band: readonly (readonly number[])[],
): Value {
  const [out, from] = [band.length, band[0]?.length ?? 0];
  if (axis === 2) {
    return b.matmul(b.constant("float32", [out, from], band.flat(), "resize_height"), x);
  }
  const transposed = Array.from({ length: from }, (_, j) => band.map((row) => row[j] as number));
  return b.matmul(x, b.constant("float32", [from, out], transposed.flat(), "resize_width"));
}
