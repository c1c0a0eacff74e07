import type { Expansion } from "./expansion.ts";

/**
 * CastLike (opset 15): Cast to the dtype of the second input.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CastLike.html
 */
export const castLike: Expansion = {
  opType: "CastLike",
  expand: (c) => [c.b.cast(c.x(), c.x(1).dtype)],
};
