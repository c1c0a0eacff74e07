import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { scatterOnce } from "./scatter-add.ts";
import { inThreeAxes, withSize } from "./three-axes.ts";

/** Most runs of indices that are put back one by one. */
const runLimit = 4;

/** Most elements of a matrix that puts the indices back. */
const matrixLimit = 1 << 16;

/** Most elements that one destination gathers at once where destinations differ much in what they get. */
const chunkSize = 8;

/**
 * The adjoint of taking constant indices along an axis (Gather, Pad): returns what sums the elements of
 * a gradient to the places they were taken from. A few runs of neighbours become Pads, a small number
 * of indices a product with a matrix of zeros and ones; else every place gathers what it is the sum of,
 * which needs no additions in place (they run on one thread).
 *
 * @param size of the axis that is taken from
 * @param indices from the front, in any order
 */
export function untake(
  b: GraphBuilder,
  size: number,
  indices: readonly number[],
): (gradient: Value, axis: number) => Value {
  const runs = runsOf(indices);
  if (indices.length === 0) {
    return (gradient, axis) =>
      b.fill(0, { dtype: gradient.dtype, dims: withSize(gradient, axis, size) });
  }
  if (runs.length <= runLimit) {
    return (gradient, axis) =>
      runs
        .map((run) => putBack(b, gradient, axis, size, run, indices))
        .reduce((sum, part) => b.op("Add", [sum, part]));
  }
  if (size * indices.length <= matrixLimit) {
    const ones = Array.from({ length: size }, (_, i) =>
      indices.map((index) => (index === i ? 1 : 0)),
    );
    return (gradient, axis) =>
      inThreeAxes(b, gradient, axis, size, (matrices) =>
        b.matmul(b.constant(gradient.dtype, [size, indices.length], ones.flat()), matrices),
      );
  }
  const sources: number[][] = Array.from({ length: size }, () => []);
  indices.forEach((index, i) => sources[index]?.push(i));
  const used = sources.flatMap((list, i) => (list.length > 0 ? [i] : []));
  if (2 * used.length < size) {
    return (gradient, axis) => {
      const lists = used.map((i) => sources[i] as number[]);
      return scatterOnce(b, gatherSums(b, gradient, axis, lists), axis, size, b.ints(used));
    };
  }
  return (gradient, axis) => gatherSums(b, gradient, axis, sources);
}

/** For every list, the sum of the elements along the axis that it names; each is named once in all. */
function gatherSums(
  b: GraphBuilder,
  x: Value,
  axis: number,
  lists: readonly (readonly number[])[],
): Value {
  const count = x.dims[axis] as number;
  const longest = lists.reduce((length, list) => Math.max(length, list.length), 0);
  if (lists.length * longest > 2 * (count + lists.length) && longest > chunkSize) {
    // Long lists are summed in chunks first, so that the short ones are not filled up to their length.
    const chunks: (readonly number[])[] = [];
    const chunked = lists.map((list) => {
      const places: number[] = [];
      for (let start = 0; start < list.length; start += chunkSize) {
        places.push(chunks.push(list.slice(start, start + chunkSize)) - 1);
      }
      return places;
    });
    return gatherSums(b, gatherSums(b, x, axis, chunks), axis, chunked);
  }
  const isFull = lists.every((list) => list.length === longest);
  const pads = x.dims.flatMap(() => [0, 0]);
  pads[x.dims.length + axis] = 1;
  // Lists are filled up with an added zero.
  const padded = isFull ? x : b.pad(x, pads);
  const table = lists.flatMap((list) =>
    Array.from({ length: longest }, (_, k) => list[k] ?? count),
  );
  const taken = b.op(
    "Gather",
    [padded, b.constant("int64", longest === 1 ? [lists.length] : [lists.length, longest], table)],
    { axis },
  );
  return longest === 1 ? taken : b.reduce("ReduceSum", taken, [axis + 1], false);
}

interface Run {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Stretches of indices that stay, or go up or down by one. */
function runsOf(indices: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < indices.length;) {
    const stepAt = (i: number) => (indices[i] as number) - (indices[i - 1] as number);
    let end = start + 1;
    const step = end < indices.length && Math.abs(stepAt(end)) <= 1 ? stepAt(end) : 1;
    while (end < indices.length && stepAt(end) === step) {
      end += 1;
    }
    runs.push({ start, end, step });
    start = end;
  }
  return runs;
}

function putBack(
  b: GraphBuilder,
  gradient: Value,
  axis: number,
  size: number,
  { start, end, step }: Run,
  indices: readonly number[],
): Value {
  const isWhole = start === 0 && end === indices.length;
  let part = isWhole ? gradient : b.slice(gradient, [axis], [start], [end]);
  part = step === -1 ? b.reverse(part, [axis]) : part;
  part = step === 0 ? b.reduce("ReduceSum", part, [axis]) : part;
  const lowest = Math.min(indices[start] as number, indices[end - 1] as number);
  const pads = Array.from({ length: 2 * gradient.dims.length }, () => 0);
  pads[axis] = lowest;
  pads[axis + gradient.dims.length] = size - lowest - (part.dims[axis] as number);
  return b.pad(part, pads);
}
