import type { GraphBuilder } from "../graph/graph-builder.ts";
import { elementCount, type DataType } from "../model/data-type.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "./gradient-rule.ts";
import { inThreeAxes, withSize } from "./three-axes.ts";

/**
 * The adjoint of taking computed indices along an axis: sums the elements of a gradient to their places.
 * From opset 16 on by ScatterElements; before, which has no additions, by sorting the indices, adding up
 * the runs of equal ones and scattering the sums.
 *
 * @param indices int64, one per element along the axis; negative ones count from the end
 * @param size of the axis in the result
 * @throws RuleRefusal below opset 11
 */
export function scatterAdd(
  b: GraphBuilder,
  gradient: Value,
  axis: number,
  size: number,
  indices: Value,
): Value {
  refuseOldOpset(b);
  if (elementCount(indices.dims) === 0) {
    return b.fill(0, { dtype: gradient.dtype, dims: withSize(gradient, axis, size) });
  }
  // Not ScatterND: its additions race on the CPU (ONNX Runtime 1.32).
  return inThreeAxes(b, gradient, axis, size, (x) =>
    b.opset >= 16
      ? reduceElements(
          b,
          "add",
          b.fill(0, { dtype: x.dtype, dims: withSize(x, 1, size) }),
          alongMiddle(b, indices, x),
          x,
          1,
        )
      : addSorted(b, x, size, fromFront(b, indices, size)),
  );
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

/** @throws RuleRefusal below opset 11, which has no ScatterElements */
export function refuseOldOpset(b: GraphBuilder): void {
  if (b.opset < 11) {
    throw new RuleRefusal("it needs opset 11; export the model with opset 17");
  }
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

/** Indices without negative ones, which count from the end. */
export function fromFront(b: GraphBuilder, indices: Value, size: number): Value {
  const { add, less, where } = arithmetic(b);
  return where(less(indices, 0), add(indices, size), indices);
}

/** Sums to places along the middle of three axes, without additions in place. */
function addSorted(b: GraphBuilder, x: Value, size: number, places: Value): Value {
  const { add, equal, where } = arithmetic(b);
  const count = x.dims[1] as number;
  const [sorted, order] = b.topK(places, count, { axis: 0, largest: 0 });
  let sums = b.op("Gather", [x, order], { axis: 1 });
  const isNextEqual = (step: number) =>
    equal(b.slice(sorted, [0], [step], [count]), b.slice(sorted, [0], [0], [count - step]));
  // A segmented scan by doubling: every element ends as the sum of its run up to itself.
  for (let step = 1; step < count; step *= 2) {
    const isSame = b.reshape(isNextEqual(step), [1, count - step, 1]);
    const before = where(isSame, b.slice(sums, [1], [0], [count - step]), 0);
    sums = add(sums, b.pad(before, [0, step, 0, 0, 0, 0]));
  }
  // The last element of each run holds its sum; the others go to a place that is cut off.
  const isLast =
    count === 1
      ? b.constant("bool", [1], [1])
      : b.op("Concat", [b.op("Not", [isNextEqual(1)]), b.constant("bool", [1], [1])], { axis: 0 });
  const targets = where(isLast, sorted, size);
  return b.slice(scatterOnce(b, sums, 1, size + 1, targets), [1], [0], [size]);
}

/** One index per element along the middle of three axes, repeated along the others. */
function alongMiddle(b: GraphBuilder, indices: Value, x: Value): Value {
  return b.expand(b.reshape(indices, [1, x.dims[1] as number, 1]), x.dims);
}
