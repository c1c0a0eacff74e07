import { refusal } from "@onnx-asma/core";

/**
 * Checks that `dims` are whole numbers whose product is `length`.
 *
 * @param name The thing in messages, such as "the image".
 * @throws AsmaError ERR_ARRAY_SHAPE
 */
export function assertDims(dims: readonly number[], length: number, name: string): void {
  const whole = dims.every((dim) => Number.isInteger(dim) && dim >= 0);
  if (whole && dims.reduce((product, dim) => product * dim, 1) === length) return;
  throw refusal("ERR_ARRAY_SHAPE", {
    expected: `${name} to hold as many values as its dims [${dims.join(", ")}] say`,
    found: `it holds ${length}`,
    details: { dims, length },
  });
}
