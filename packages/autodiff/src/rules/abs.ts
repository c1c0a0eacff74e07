import type { Value } from "../graph/value.ts";
import type { Arithmetic } from "../graph/arithmetic.ts";
import { elementwise } from "./elementwise.ts";

/**
 * Abs (opset 6): dx = dy·sign(x); 0 at the kink, as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Abs.html
 */
export const abs = elementwise("Abs", (c, a) => timesSign(a, c.dy(), c.x()));

/** dy·sign(x), broadcast, without Sign (which has no WebGPU kernel). */
export function timesSign({ greater, less, mul, where }: Arithmetic, dy: Value, x: Value): Value {
  return where(greater(x, 0), dy, where(less(x, 0), mul(dy, -1), 0));
}
