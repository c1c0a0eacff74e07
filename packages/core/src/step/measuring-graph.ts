import type { ResolvedModel, Value } from "@onnx-asma/autodiff";
import { operatorsOf } from "../attack/operators.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { appendInputs } from "./append-inputs.ts";
import { appendMetrics } from "./append-metrics.ts";
import { appendNorms } from "./append-norms.ts";
import { nameOutput } from "./name-output.ts";
import type { StepGraphOptions } from "./step-graph.ts";

/** A graph that measures images without moving them. */
export interface MeasuringGraph {
  readonly graph: ResolvedModel;
  readonly inputs: {
    readonly image: string;
    readonly original: string;
    readonly labels: string;
    readonly numbers: string;
  };
  readonly metrics: string;
}

/** Entries of the output of {@link buildMeasuringGraph}; a row each, a column an image. */
export const measuredNames = ["iou", "l2", "linf"] as const;

/**
 * Builds forward and metrics alone, for images that need not lie in [0, 1]. Inputs as of
 * {@link buildStepGraph}; `numbers` is `absentBefore` alone, float32 [1, N, 1, …].
 */
export function buildMeasuringGraph(
  model: SegmentationModel,
  options: Pick<StepGraphOptions, "iou" | "target">,
): MeasuringGraph {
  const b = model.startGraph(options.target);
  const ops = operatorsOf(b);
  const { x, x0, labels, packed, numbers } = appendInputs(b, model, undefined);
  const { scores } = model.appendTo(b, x);
  const absentBefore = numbers["absentBefore"] as Value;
  const { iou } = appendMetrics(b, ops, { scores, target: labels, absentBefore }, options.iou);
  const { l2, linf } = appendNorms(ops, ops.sub(x, x0));
  const images = x.dims[0] as number;
  const table = b.concat(
    [iou, l2, linf].map((row) => b.reshape(row, [1, images])),
    0,
  );
  const metrics = nameOutput(b, table, "metrics");
  return {
    graph: b.build(),
    inputs: { image: x.name, original: x0.name, labels: labels.name, numbers: packed.name },
    metrics,
  };
}
