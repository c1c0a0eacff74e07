import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal } from "./gradient-rule.ts";

/** Most runs of indices that are put back one by one. */
const runLimit = 4;

/** Most elements of a matrix that puts the indices back. */
const matrixLimit = 1 << 16;

/**
 * The adjoint of taking constant indices along an axis (Gather, Pad): returns what sums the elements of
 * a gradient to the places they were taken from. A few runs of neighbours become Pads, a small number
 * of indices a product with a matrix of zeros and ones, the rest ScatterElements.
 *
 * @param size of the axis that is taken from
 * @param indices from the front, in any order
 * @throws RuleRefusal where the opset has no way to add up so many repeated indices
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
  const isRepeated = new Set(indices).size < indices.length;
  if (b.opset < (isRepeated ? 16 : 11)) {
    throw new RuleRefusal(
      `${indices.length} indices into ${size} elements need opset ${isRepeated ? 16 : 11}; export the model with opset 17`,
    );
  }
  return (gradient, axis) => scatter(b, gradient, axis, size, b.ints(indices), isRepeated);
}

/** Scatters a gradient along an axis to the places in a list of int64 indices; `add` where they repeat. */
export function scatter(
  b: GraphBuilder,
  gradient: Value,
  axis: number,
  size: number,
  indices: Value,
  add: boolean,
): Value {
  // Not ScatterND: its additions race on the CPU (ONNX Runtime 1.32).
  return inThreeAxes(b, gradient, axis, size, (matrices) => {
    const zeros = b.fill(0, { dtype: gradient.dtype, dims: withSize(matrices, 1, size) });
    const places = b.expand(b.reshape(indices, [indices.dims[0] as number, 1]), matrices.dims);
    const reduction = add ? "add" : undefined;
    return b.op("ScatterElements", [zeros, places, matrices], { axis: 1, reduction });
  });
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
  let part = isWhole && step !== -1 ? gradient : undefined;
  // ONNX counts a negative end from the back, so that the element before the first is −1 − length.
  const before = (i: number) => (i < 0 ? -1 - indices.length : i);
  part ??=
    step === -1
      ? b.slice(gradient, [axis], [end - 1], [before(start - 1)], [-1])
      : b.slice(gradient, [axis], [start], [end]);
  part = step === 0 ? b.reduce("ReduceSum", part, [axis]) : part;
  const lowest = Math.min(indices[start] as number, indices[end - 1] as number);
  const pads = Array.from({ length: 2 * gradient.dims.length }, () => 0);
  pads[axis] = lowest;
  pads[axis + gradient.dims.length] = size - lowest - (part.dims[axis] as number);
  return b.pad(part, pads);
}

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

function withSize({ dims }: Value, axis: number, size: number): number[] {
  return dims.map((d, i) => (i === axis ? size : d));
}
