import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import { largestOther } from "./largest-other.ts";

/**
 * By how much each pixel is from being as the goal wants it, in scores: max_{k≠Y} z_k − z_Y towards the
 * labels, its negative away from them; below 0 where it is. A gradient flows through it.
 *
 * @returns float32 [N, 1, …grid]; on ignored pixels something finite
 */
export function violation({ b, ops, scores, targetOneHot, direction }: StepContext): Value {
  const own = b.reduce("ReduceSum", ops.mul(scores, targetOneHot), [1]);
  const other = largestOther(b, scores, targetOneHot);
  return direction === 1 ? ops.sub(other, own) : ops.sub(own, other);
}
