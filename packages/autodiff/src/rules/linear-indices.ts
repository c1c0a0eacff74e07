import type { GraphBuilder } from "../graph/graph-builder.ts";
import { normalizeAxis, type Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { RuleContext } from "./gradient-rule.ts";
import { scatterAdd } from "./scatter-add.ts";
import { untake } from "./untake.ts";

/** Where the slices that a list of coordinates names lie in a tensor seen as [rows, row length]. */
export interface Rows {
  readonly rows: number;
  readonly rowLength: number;
  /** Row of every slice, from the front: numbers where the coordinates are constant, else int64 [count]. */
  readonly places: readonly number[] | Value;
  readonly count: number;
}

/**
 * The rows that the coordinates of GatherND or ScatterND name: the last axis of the indices holds
 * coordinates into the axes of `dims` that follow the batch axes, which both share.
 *
 * @param input of the node that holds the indices
 */
export function rowsOfSlices(
  c: RuleContext,
  input: number,
  dims: readonly number[],
  batchDims: number,
): Rows {
  const indices = c.x(input);
  const depth = indices.dims.at(-1) as number;
  const inner = dims.slice(batchDims, batchDims + depth);
  const strides = inner.map((_, k) => elementCount(inner.slice(k + 1)));
  const batches = elementCount(dims.slice(0, batchDims));
  const count = elementCount(indices.dims.slice(0, -1));
  const shape = {
    rows: batches * elementCount(inner),
    rowLength: elementCount(dims.slice(batchDims + depth)),
    count,
  };
  const constant = c.constant(input);
  if (constant !== undefined) {
    const places = Array.from({ length: count }, (_, i) =>
      strides.reduce(
        (place, stride, k) =>
          place + stride * normalizeAxis(constant[i * depth + k] as number, inner[k] as number),
        Math.floor((i * batches) / count) * elementCount(inner),
      ),
    );
    return { ...shape, places };
  }
  const { b } = c;
  const { add, less, mul, where } = arithmetic(b);
  const coordinates = b.reshape(indices, [batches, count / batches, depth]);
  const positive = where(less(coordinates, 0), add(coordinates, b.ints(inner)), coordinates);
  const within = b.reduce("ReduceSum", mul(positive, b.ints(strides)), [2], false);
  const starts = Array.from({ length: batches }, (_, i) => i * elementCount(inner));
  const places = batches === 1 ? within : add(within, b.constant("int64", [batches, 1], starts));
  return { ...shape, places: b.reshape(places, [count]) };
}

/** Sums slices to the rows they come from; the result has the dims given. */
export function addToRows(
  b: GraphBuilder,
  slices: Value,
  { rows, rowLength, places, count }: Rows,
  dims: readonly number[],
): Value {
  if (count === 0) {
    return b.fill(0, { dtype: slices.dtype, dims });
  }
  const lines = b.reshape(slices, [count, rowLength]);
  const sums =
    "name" in places ? scatterAdd(b, lines, 0, rows, places) : untake(b, rows, places)(lines, 0);
  return b.reshape(sums, dims);
}
