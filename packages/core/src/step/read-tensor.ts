import { AsmaError } from "../errors.ts";
import type { Tensor } from "./step-session.ts";

/**
 * The float32 values of a tensor, wherever it is; not a copy where it is in memory.
 *
 * @throws AsmaError `ERR_RUNTIME` when the device does not give them
 */
export async function readTensor(tensor: Tensor): Promise<Float32Array> {
  try {
    return (await tensor.getData()) as Float32Array;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsmaError(
      "ERR_RUNTIME",
      `ONNX Runtime did not give the values of a tensor: ${reason}.`,
      { cause },
    );
  }
}

/** The values of one of N images; a copy. */
export function sliceOf(data: Float32Array, image: number, images: number): Float32Array {
  const length = data.length / images;
  return data.slice(image * length, (image + 1) * length);
}
