import ndarray from "ndarray";
import { assertDims } from "./dims.ts";

/** Element types that move between tensors and ndarrays. */
export type NdarrayData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array;

/** An ndarray by its structure: any object with these four fields is taken. */
export interface NdarrayLike<T extends NdarrayData> {
  readonly data: T;
  readonly shape: readonly number[];
  /** Elements (not bytes) from one index to the next, per axis; may be negative. */
  readonly stride: readonly number[];
  /** Element of `data` that holds index 0, 0, … */
  readonly offset: number;
}

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

/**
 * Copies an ndarray, whatever its strides, to a tensor in C order with data of its own.
 *
 * @throws RangeError when an index falls outside `data`.
 */
export function fromNdarray<T extends NdarrayData>(
  array: NdarrayLike<T>,
): { data: T; dims: number[] } {
  const dims = [...array.shape];
  const size = dims.reduce((product, dim) => product * dim, 1);
  const data = new (array.data.constructor as new (length: number) => T)(size);
  const index = dims.map(() => 0);
  let at = array.offset;
  for (let k = 0; k < size; k++) {
    const value = array.data[at];
    if (value === undefined)
      throw new RangeError(`ndarray index [${index.join(", ")}] is outside its data`);
    data[k] = value;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = array.stride[axis] ?? 0;
      at += stride;
      index[axis] = (index[axis] ?? 0) + 1;
      if (index[axis] !== dims[axis]) break;
      at -= stride * (dims[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { data, dims };
}
