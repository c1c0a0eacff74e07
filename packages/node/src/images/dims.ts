import { AsmaError } from "@onnx-asma/core";

/**
 * Checks that `dims` are whole numbers whose product is `length`.
 *
 * @param name The thing in messages, such as "the image".
 * @throws AsmaError ERR_ARRAY_SHAPE
 */
export function assertDims(dims: readonly number[], length: number, name: string): void {
  const whole = dims.every((dim) => Number.isInteger(dim) && dim >= 0);
  if (whole && dims.reduce((product, dim) => product * dim, 1) === length) return;
  throw new AsmaError(
    "ERR_ARRAY_SHAPE",
    `Expected ${name} to hold as many values as its dims [${dims.join(", ")}] say but it holds ${length}.`,
    { details: { dims, length } },
  );
}
