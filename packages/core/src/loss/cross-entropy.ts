import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";

/**
 * The mean cross-entropy over the scored pixels, with the sign that brings the goal nearer when it is
 * ascended: −CE towards the labels, +CE away from them.
 */
export function crossEntropy(c: StepContext): Term[] {
  const { b, ops, scores, targetOneHot, measured, direction } = c;
  const share = ops.div(direction, ops.max(measured.countedPixels, 1));
  return [{ value: logSoftmax(b, scores), weight: ops.mul(targetOneHot, share) }];
}

/** LogSoftmax over the classes; before opset 13 the operator took all axes from `axis` on as one. */
function logSoftmax(b: GraphBuilder, scores: Value): Value {
  if (b.opset >= 13) {
    return b.op("LogSoftmax", [scores], { axis: 1 });
  }
  const spatial = scores.dims.map((_, axis) => axis).slice(2);
  const last = scores.dims.length - 1;
  const toLast = b.transpose(scores, [0, ...spatial, 1]);
  const probabilities = b.op("LogSoftmax", [toLast], { axis: last });
  return b.transpose(probabilities, [0, last, ...spatial.map((axis) => axis - 1)]);
}
