import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { inThreeAxes } from "./three-axes.ts";

/** Rows of weights. */
export type Matrix = readonly (readonly number[])[];

/** The matrix with rows and columns swapped. */
export function transposed(matrix: Matrix): number[][] {
  return (matrix[0] ?? []).map((_, j) => matrix.map((row) => row[j] as number));
}

/**
 * Multiplies a value along one axis by a constant matrix: the axis gets as many elements as the matrix
 * has rows.
 */
export function multiplyAxis(b: GraphBuilder, x: Value, axis: number, matrix: Matrix): Value {
  const constant = (rows: Matrix) =>
    b.constant(x.dtype, [rows.length, rows[0]?.length ?? 0], rows.flat(), "axis_matrix");
  if (axis > 0 && axis === x.dims.length - 1) {
    return b.matmul(x, constant(transposed(matrix)));
  }
  if (axis > 0 && axis === x.dims.length - 2) {
    return b.matmul(constant(matrix), x);
  }
  return inThreeAxes(b, x, axis, matrix.length, (matrices) => b.matmul(constant(matrix), matrices));
}
