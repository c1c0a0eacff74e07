import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { IouDefinition } from "../metrics/iou.ts";

/** Prediction and metrics of one forward pass, as values of the graph. */
export interface MetricValues {
  /** float32 [1, 1, …size]: predicted labels. */
  readonly prediction: Value;
  /** float32 [1, K, …size]: 1 where the target is that class. */
  readonly targetOneHot: Value;
  /** float32 [1, 1, …size]: 1 where the prediction is not the target; 0 on ignored pixels. */
  readonly wrong: Value;
  /** float32 scalars. */
  readonly iou: Value;
  readonly correctPixels: Value;
  readonly countedPixels: Value;
  /** Counted pixels whose prediction is not class 0. */
  readonly foregroundPixels: Value;
}

/**
 * Appends prediction, IoU and pixel counts. Labels stay float32, so that execution providers without
 * int64 kernels run it; ties go to the first class, as in ArgMax.
 *
 * @param scores float32 [1, K, …size]: pixels of an image, or of a volume
 * @param target float32 [1, 1, …size]: labels, −1 where a pixel is ignored
 */
export function appendMetrics(
  b: GraphBuilder,
  scores: Value,
  target: Value,
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
  const oneHot = (map: Value) => b.cast(b.op("Equal", [map, labels]), "float32");
  const targetOneHot = oneHot(target);
  const counted = b.cast(b.op("Greater", [target, b.scalar(-0.5)]), "float32");
  const correct = b.cast(b.op("Equal", [prediction, target]), "float32");
  const predictedOneHot = b.op("Mul", [oneHot(prediction), counted]);
  const sumOver = (map: Value) => b.reduce("ReduceSum", map, spatialAxes);
  const perClass = [
    sumOver(b.op("Mul", [targetOneHot, predictedOneHot])),
    sumOver(b.op("Max", [targetOneHot, predictedOneHot])),
  ] as const;
  const countedPixels = total(b, counted);
  const backgroundPixels = total(b, b.slice(predictedOneHot, [1], [0], [1]));
  return {
    prediction,
    targetOneHot,
    wrong: b.op("Sub", [counted, correct]),
    iou: appendIou(b, ...perClass, definition),
    correctPixels: total(b, correct),
    countedPixels,
    foregroundPixels: b.op("Sub", [countedPixels, backgroundPixels]),
  };
}

/**
 * Sum of all elements, rank 0. Rows are summed first: runtimes that add one number after the other, as on
 * WebAssembly, lose four digits over half a million of them.
 */
export function total(b: GraphBuilder, x: Value): Value {
  const rows = b.reduce("ReduceSum", x, [x.dims.length - 1]);
  const rest = rows.dims.map((_, axis) => axis).slice(0, -1);
  return b.reshape(b.reduce("ReduceSum", rows, rest), []);
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

/** @param intersection, union float32 [1, K, 1, …], in pixels */
function appendIou(
  b: GraphBuilder,
  intersection: Value,
  union: Value,
  definition: IouDefinition,
): Value {
  const classes = union.dims[1] as number;
  const one = b.scalar(1);
  switch (definition) {
    case "foreground": {
      const [i, u] = [intersection, union].map((v) => b.reshape(b.slice(v, [1], [1], [2]), []));
      const isEmpty = b.op("Less", [u as Value, b.scalar(0.5)]);
      return b.op("Where", [
        isEmpty,
        one,
        b.op("Div", [i as Value, b.op("Max", [u as Value, one])]),
      ]);
    }
    case "mean-present": {
      const present = total(b, b.cast(b.op("Greater", [union, b.scalar(0.5)]), "float32"));
      const sum = total(b, b.op("Div", [intersection, b.op("Max", [union, one])]));
      return b.op("Div", [sum, b.op("Max", [present, one])]);
    }
    case "mean-all": {
      const ratio = b.op("Div", [intersection, b.op("Add", [union, b.scalar(1e-6)])]);
      return b.op("Div", [total(b, ratio), b.scalar(classes)]);
    }
  }
}
