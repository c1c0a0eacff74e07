import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";

/** A tensor with a label for every axis; equal labels mean equal sizes. */
export interface Labelled {
  readonly value: Value;
  readonly labels: readonly string[];
}

/**
 * Multiplies tensors and sums over every label that is not kept (Einstein summation), two at a time, as
 * matrix products. No tensor repeats a label.
 *
 * @param keep labels of the result, in order; those that no tensor has are left out of it
 */
export function contract(
  b: GraphBuilder,
  tensors: readonly Labelled[],
  keep: readonly string[],
): Labelled {
  const product = tensors.reduce((left, right, i) => {
    const later = tensors.slice(i + 1).flatMap(({ labels }) => labels);
    return multiply(b, left, right, new Set([...keep, ...later]));
  });
  const sums = sumOver(b, product, (label) => !keep.includes(label));
  return arrange(
    b,
    sums,
    keep.filter((label) => sums.labels.includes(label)),
  );
}

/** The elements at which axes of equal label have equal indices: such axes become one. */
export function diagonal(b: GraphBuilder, tensor: Labelled): Labelled {
  const again = tensor.labels.findIndex((label, i) => tensor.labels.indexOf(label) !== i);
  if (again === -1) {
    return tensor;
  }
  const label = tensor.labels[again] as string;
  const mask = diagonalMask(b, tensor, [tensor.labels.indexOf(label), again]);
  const masked = arithmetic(b).mul(tensor.value, mask);
  return diagonal(b, {
    value: b.reduce("ReduceSum", masked, [again], false),
    labels: tensor.labels.filter((_, i) => i !== again),
  });
}

/** 1 where the indices along two axes of equal size are equal, 0 elsewhere; broadcasts to the tensor. */
export function diagonalMask(
  b: GraphBuilder,
  { value, labels }: Labelled,
  axes: readonly [number, number],
): Value {
  const size = value.dims[axes[0]] as number;
  const dims = labels.map((_, i) => (axes.includes(i) ? size : 1));
  const eye = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  return b.constant(value.dtype, dims, eye);
}

/** The product of two tensors, summed over the labels that nothing needs any more. */
function multiply(
  b: GraphBuilder,
  first: Labelled,
  second: Labelled,
  needed: ReadonlySet<string>,
): Labelled {
  const isLoose = (other: Labelled) => (label: string) =>
    !other.labels.includes(label) && !needed.has(label);
  const left = sumOver(b, first, isLoose(second));
  const right = sumOver(b, second, isLoose(first));
  const common = left.labels.filter((label) => right.labels.includes(label));
  const batch = common.filter((label) => needed.has(label));
  const inner = common.filter((label) => !needed.has(label));
  const rows = left.labels.filter((label) => !common.includes(label));
  const columns = right.labels.filter((label) => !common.includes(label));
  const sizes = new Map([...sizesOf(left), ...sizesOf(right)]);
  const dims = (labels: readonly string[]) => labels.map((label) => sizes.get(label) as number);
  const matrices = (tensor: Labelled, ...groups: readonly (readonly string[])[]) =>
    b.reshape(
      arrange(b, tensor, groups.flat()).value,
      groups.map((group) => elementCount(dims(group))),
    );
  const value =
    inner.length > 0
      ? b.matmul(matrices(left, batch, rows, inner), matrices(right, batch, inner, columns))
      : arithmetic(b).mul(matrices(left, batch, rows, []), matrices(right, batch, [], columns));
  const labels = [...batch, ...rows, ...columns];
  return { value: b.reshape(value, dims(labels)), labels };
}

function sizesOf({ value, labels }: Labelled): (readonly [string, number])[] {
  return labels.map((label, i) => [label, value.dims[i] as number]);
}

function sumOver(
  b: GraphBuilder,
  { value, labels }: Labelled,
  isSummed: (label: string) => boolean,
): Labelled {
  const axes = labels.flatMap((label, i) => (isSummed(label) ? [i] : []));
  return {
    value: b.reduce("ReduceSum", value, axes, false),
    labels: labels.filter((label) => !isSummed(label)),
  };
}

/** The same tensor with its axes in the order of the labels. */
function arrange(b: GraphBuilder, { value, labels }: Labelled, order: readonly string[]): Labelled {
  const perm = order.map((label) => labels.indexOf(label));
  return { value: b.transpose(value, perm), labels: order };
}
