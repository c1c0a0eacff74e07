import { dump } from "npyjs";
import { AsmaError } from "../errors.ts";
import { countOf } from "../image.ts";

/**
 * The bytes of an array as an `.npy` file (version 1.0, C order, machine byte order).
 *
 * @param name the array in messages, such as "the image"
 * @throws AsmaError ERR_ARRAY_SHAPE when dims and data do not agree
 */
export function encodeNpy(
  array: {
    readonly data: Float32Array | Int32Array | Uint8Array | Uint16Array;
    readonly dims: readonly number[];
  },
  name = "the array",
): Uint8Array<ArrayBuffer> {
  const { data, dims } = array;
  const isWhole = dims.every((dim) => Number.isInteger(dim) && dim >= 0);
  if (!isWhole || countOf(dims) !== data.length) {
    throw new AsmaError(
      "ERR_ARRAY_SHAPE",
      `Expected ${name} to hold as many values as its dims [${dims.join(", ")}] say but it holds ${data.length}.`,
      { details: { dims, length: data.length } },
    );
  }
  return new Uint8Array(dump(data, [...dims]));
}
