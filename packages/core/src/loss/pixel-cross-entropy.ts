import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";

/**
 * Cross-entropy pixel by pixel, with the sign that brings the goal nearer when it is ascended: −Σ w·CE
 * towards the labels, +Σ w·CE away from them.
 *
 * @param weight float32, broadcasts to [N, 1, …grid]: constant to the gradient; what is ignored stays 0
 */
export function pixelCrossEntropy(c: StepContext, weight: Value): Term[] {
  const { b, ops, scores, targetOneHot, direction } = c;
  const signed = direction === 1 ? weight : ops.mul(weight, -1);
  return [{ value: logSoftmax(b, ops, scores), weight: ops.mul(targetOneHot, signed) }];
}

/**
 * LogSoftmax over the classes, without its operator: ONNX Runtime 1.30 has no WebGPU kernel of it, and on
 * the processor it turns the scores round for it. Floor has no gradient, as the shift must not have.
 */
export function logSoftmax(b: GraphBuilder, { sub }: Operators, scores: Value): Value {
  const shifted = sub(scores, b.op("Floor", [b.reduce("ReduceMax", scores, [1])]));
  return sub(shifted, b.op("Log", [b.reduce("ReduceSum", b.op("Exp", [shifted]), [1])]));
}
