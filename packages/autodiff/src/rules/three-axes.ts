import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/** Works on a value of dims [before, axis, after] and gives the axis its new size in the value's own dims. */
export function inThreeAxes(
  b: GraphBuilder,
  value: Value,
  axis: number,
  size: number,
  work: (matrices: Value) => Value,
): Value {
  const count = (dims: readonly number[]) => dims.reduce((product, d) => product * d, 1);
  const dims = [
    count(value.dims.slice(0, axis)),
    value.dims[axis] as number,
    count(value.dims.slice(axis + 1)),
  ];
  return b.reshape(work(b.reshape(value, dims)), withSize(value, axis, size));
}

/** The dims of a value with another size of one axis. */
export function withSize({ dims }: Value, axis: number, size: number): number[] {
  return dims.map((d, i) => (i === axis ? size : d));
}
