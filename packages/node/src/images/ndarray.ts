import type { NdarrayData } from "@onnx-asma/core";
import ndarray from "ndarray";
import { assertDims } from "./dims.ts";

/**
 * Wraps a tensor in C order as an ndarray, sharing its data.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE
 */
export function toNdarray<T extends NdarrayData>(tensor: {
  readonly data: T;
  readonly dims: readonly number[];
}): ndarray.NdArray<T> {
  assertDims(tensor.dims, tensor.data.length, "the tensor");
  return ndarray(tensor.data, [...tensor.dims]) as ndarray.NdArray<T>;
}
