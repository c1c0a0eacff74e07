import type { GraphBuilder } from "../graph/graph-builder.ts";
import { normalizeAxis, type Value } from "../graph/value.ts";
import type { DataType } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";

/** The axes from `axis` on. */
export function axesFrom(axis: number, rank: number): number[] {
  const first = normalizeAxis(axis, rank);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

/** (x − mean) · inverse standard deviation over the axes, and both statistics. */
export function standardize(
  b: GraphBuilder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { normalized: Value; mean: Value; inverse: Value } {
  const { add, mul, sub } = arithmetic(b);
  const mean = b.reduce("ReduceMean", x, axes);
  const centred = sub(x, mean);
  const variance = b.reduce("ReduceMean", mul(centred, centred), axes);
  const inverse = b.op("Reciprocal", [b.op("Sqrt", [add(variance, epsilon)])]);
  return { normalized: mul(centred, inverse), mean, inverse };
}

/** x over its root mean square along the axes, and the inverse of that. */
export function divideByRms(
  b: GraphBuilder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { normalized: Value; inverse: Value } {
  const { add, mul } = arithmetic(b);
  const square = b.reduce("ReduceMean", mul(x, x), axes);
  const inverse = b.op("Reciprocal", [b.op("Sqrt", [add(square, epsilon)])]);
  return { normalized: mul(x, inverse), inverse };
}

/** The dtype that statistics are computed in: `stash_type` 1 stands for float32. */
export function stashType(x: Value, stash: number): DataType {
  return stash === 1 && (x.dtype === "float16" || x.dtype === "bfloat16") ? "float32" : x.dtype;
}
