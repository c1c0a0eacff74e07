import { reduction, type Reduction } from "./reduction.ts";

/**
 * ReduceMax (opset 1): dx = dy/n where x = y, else 0, for n elements that reach y (ties split evenly, as
 * torch.amax).
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceMax.html
 */
export const reduceMax = reduction("ReduceMax", split);

/**
 * ReduceMin (opset 1): as ReduceMax.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceMin.html
 */
export const reduceMin = reduction("ReduceMin", split);

function split({ c, div, equal, where, axes, x, y, dy }: Reduction) {
  const isReached = equal(x, y());
  const count = c.b.reduce("ReduceSum", c.b.cast(isReached, x.dtype), axes);
  return where(isReached, div(dy, count), 0);
}
