import type { GraphBuilder } from "../graph/graph-builder.ts";
import { elementCount, type DataType } from "../model/data-type.ts";
import type { Value } from "../graph/value.ts";
import { inThreeAxes, withSize } from "./three-axes.ts";

/**
 * The adjoint of taking computed indices along an axis: sums the elements of a gradient to their places.
 *
 * @param indices int64, one per element along the axis; negative ones count from the end
 * @param size of the axis in the result
 */
export function scatterAdd(
  b: GraphBuilder,
  gradient: Value,
  axis: number,
  size: number,
  indices: Value,
): Value {
  if (elementCount(indices.dims) === 0) {
    return b.fill(0, { dtype: gradient.dtype, dims: withSize(gradient, axis, size) });
  }
  // Not ScatterND: its additions race on the CPU (ONNX Runtime 1.32).
  return inThreeAxes(b, gradient, axis, size, (x) => {
    const zeros = b.fill(0, { dtype: x.dtype, dims: withSize(x, 1, size) });
    return reduceElements(b, "add", zeros, alongMiddle(b, indices, x), x, 1);
  });
}

/** As {@link scatterAdd} for indices of which none is repeated or negative. */
export function scatterOnce(
  b: GraphBuilder,
  gradient: Value,
  axis: number,
  size: number,
  indices: Value,
): Value {
  return inThreeAxes(b, gradient, axis, size, (x) => {
    const zeros = b.fill(0, { dtype: x.dtype, dims: withSize(x, 1, size) });
    return b.op("ScatterElements", [zeros, alongMiddle(b, indices, x), x], { axis: 1 });
  });
}

/** ScatterElements with a reduction (opset 16); half precision is reduced in float32. */
export function reduceElements(
  b: GraphBuilder,
  reduction: "add" | "mul",
  data: Value,
  indices: Value,
  updates: Value,
  axis: number,
): Value {
  // Runtimes lack the kernel for half precision.
  const isHalf = data.dtype === "float16" || data.dtype === "bfloat16";
  const dtype: DataType = isHalf ? "float32" : data.dtype;
  const inputs = [b.cast(data, dtype), indices, b.cast(updates, dtype)];
  return b.cast(b.op("ScatterElements", inputs, { axis, reduction }), data.dtype);
}

/** One index per element along the middle of three axes, repeated along the others. */
function alongMiddle(b: GraphBuilder, indices: Value, x: Value): Value {
  return b.expand(b.reshape(indices, [1, x.dims[1] as number, 1]), x.dims);
}
