import { arithmetic } from "../rules/arithmetic.ts";
import type { Expansion } from "./expansion.ts";

/**
 * Range (opset 11): start + i · delta. The number of elements is taken as it is: it does not change
 * with start, limit and delta but in jumps.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Range.html
 */
export const range: Expansion = {
  opType: "Range",
  expand: (c) => {
    const { add, mul } = arithmetic(c.b);
    const { dtype, dims } = c.y();
    const steps = Array.from({ length: dims[0] as number }, (_, i) => i);
    const scalar = (i: number) => c.b.reshape(c.x(i), []);
    return [add(scalar(0), mul(scalar(2), c.b.constant(dtype, dims, steps)))];
  },
};
