import type { Bytes } from "@onnx-asma/autodiff";
import { dump } from "npyjs";
import { checkArray, checkCount } from "../check-array.ts";

/**
 * The bytes of an array as an `.npy` file (version 1.0, C order, machine byte order).
 *
 * @param name the array in messages, such as "the image"
 * @throws AsmaError ERR_ARRAY_SHAPE when dims and data do not agree, ERR_ARRAY_DTYPE for other data
 */
export function encodeNpy(
  array: {
    readonly data: Float32Array | Int32Array | Uint8Array | Uint16Array;
    readonly dims: readonly number[];
  },
  name = "the array",
): Bytes {
  checkArray(array, {
    name,
    types: ["Float32Array", "Int32Array", "Uint8Array", "Uint16Array"],
    dims: "[…]",
  });
  checkCount(array, name);
  return new Uint8Array(dump(array.data, [...array.dims]));
}
