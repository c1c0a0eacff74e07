import { far } from "../attack/limits.ts";
import type { GraphBuilder, Value } from "@onnx-asma/autodiff";

/**
 * max_{k≠Y} z_k of each pixel.
 *
 * @param scores float32 [N, K, …size]
 * @param targetOneHot float32 [N, K, …size]: 1 at Y
 * @returns float32 [N, 1, …size]; the largest of all where no class is Y
 */
export function largestOther(b: GraphBuilder, scores: Value, targetOneHot: Value): Value {
  const others = b.op("Sub", [scores, b.op("Mul", [targetOneHot, b.scalar(far)])]);
  return b.reduce("ReduceMax", others, [1]);
}
