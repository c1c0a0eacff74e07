import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { MetricValues } from "../attack/step-context.ts";
import type { IouDefinition } from "../metrics/iou.ts";

/** What {@link appendMetrics} compares. */
export interface MetricInputs {
  /** float32 [N, K, …size] */
  readonly scores: Value;
  /** float32 [N, 1, …size]: labels, −1 where a pixel is ignored. */
  readonly target: Value;
  /** float32 [N, 1, …]: absent pixels of the untouched image, 0 where they are not known yet. */
  readonly absentBefore: Value;
}

/**
 * Appends prediction, IoU and pixel counts, per image. Labels stay float32, so that execution providers
 * without int64 kernels run it; ties go to the first class, as in ArgMax.
 */
export function appendMetrics(
  b: GraphBuilder,
  ops: Operators,
  { scores, target, absentBefore }: MetricInputs,
  definition: IouDefinition,
): MetricValues {
  const classes = scores.dims[1] as number;
  const spatialAxes = scores.dims.map((_, axis) => axis).slice(2);
  const labels = b.constant(
    "float32",
    [1, classes, ...spatialAxes.map(() => 1)],
    Array.from({ length: classes }, (_, c) => c),
  );
  const prediction = appendPrediction(b, scores, labels);
  const oneHot = (map: Value) => ops.indicator(ops.equal(map, labels));
  const targetOneHot = oneHot(target);
  const counted = ops.indicator(ops.greater(target, -0.5));
  const correct = ops.indicator(ops.equal(prediction, target));
  const predictedOneHot = ops.mul(oneHot(prediction), counted);
  const pixels = (map: Value) => b.reduce("ReduceSum", map, spatialAxes);
  const counts = {
    intersection: pixels(ops.mul(targetOneHot, predictedOneHot)),
    target: pixels(targetOneHot),
    predicted: pixels(predictedOneHot),
  };
  const isAbsent = ops.indicator(ops.less(counts.target, 0.5));
  const absentPixels = ops.sum(ops.mul(counts.predicted, isAbsent));
  return {
    prediction,
    targetOneHot,
    counted,
    wrong: ops.sub(counted, correct),
    iou: appendIou(b, ops, { ...counts, absentPixels, absentBefore }, definition),
    correctPixels: ops.sum(correct),
    countedPixels: ops.sum(counted),
    absentPixels,
  };
}

function appendPrediction(b: GraphBuilder, scores: Value, labels: Value): Value {
  if (scores.dims[1] === 2) {
    const [background, foreground] = b.split(scores, 1, [1, 1]) as [Value, Value];
    return b.cast(b.op("Greater", [foreground, background]), "float32");
  }
  if (b.target === "cpu") {
    return b.cast(b.op("ArgMax", [scores], { axis: 1, keepdims: 1 }), "float32");
  }
  // The int64 labels of ArgMax would leave WebGPU, and come back, at every step.
  const isLargest = b.op("Equal", [scores, b.reduce("ReduceMax", scores, [1])]);
  const last = b.scalar((scores.dims[1] as number) - 1);
  return b.reduce("ReduceMin", b.op("Where", [isLargest, labels, last]), [1]);
}

interface Counts {
  /** float32 [N, K, 1, …], in pixels. */
  readonly intersection: Value;
  readonly target: Value;
  readonly predicted: Value;
  /** float32 [N, 1, 1, …] */
  readonly absentPixels: Value;
  readonly absentBefore: Value;
}

/** @returns float32 [N, 1, 1, …] */
function appendIou(
  b: GraphBuilder,
  ops: Operators,
  { intersection, target, predicted, absentPixels, absentBefore }: Counts,
  definition: IouDefinition,
): Value {
  const { add, sub, div, mul, max, less, greater, where, indicator, sum } = ops;
  const union = sub(add(target, predicted), intersection);
  const ratio = div(intersection, max(union, 1));
  const meanOver = (isIn: Value) => div(sum(mul(ratio, isIn)), max(sum(isIn), 1));
  switch (definition) {
    case "foreground": {
      const [i, u] = [intersection, union].map((v) => b.slice(v, [1], [1], [2])) as [Value, Value];
      return where(less(u, 0.5), 1, div(i, max(u, 1)));
    }
    case "mean-target":
      return meanOver(indicator(greater(target, 0.5)));
    case "erased": {
      const share = max(sub(1, div(absentPixels, max(absentBefore, 1))), 0);
      return where(less(absentBefore, 0.5), indicator(less(absentPixels, 0.5)), share);
    }
    case "mean-present":
      return meanOver(indicator(greater(union, 0.5)));
    case "mean-all":
      return div(sum(div(intersection, add(union, 1e-6))), union.dims[1] as number);
  }
}
