import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";

/**
 * The mean cross-entropy over the scored pixels, with the sign that brings the goal nearer when it is
 * ascended: −CE towards the labels, +CE away from them.
 */
export function crossEntropy(c: StepContext): Term[] {
  const { b, ops, scores, targetOneHot, measured, direction } = c;
  const share = ops.div(direction, ops.max(measured.countedPixels, 1));
  return [{ value: logSoftmax(b, ops, scores), weight: ops.mul(targetOneHot, share) }];
}

/**
 * LogSoftmax over the classes, without its operator: ONNX Runtime 1.30 has no WebGPU kernel of it, and on
 * the processor it turns the scores round for it. Floor has no gradient, as the shift must not have.
 */
function logSoftmax(b: GraphBuilder, { sub }: Operators, scores: Value): Value {
  const shifted = sub(scores, b.op("Floor", [b.reduce("ReduceMax", scores, [1])]));
  return sub(shifted, b.op("Log", [b.reduce("ReduceSum", b.op("Exp", [shifted]), [1])]));
}
