import type { GraphBuilder, ResolvedModel, Target, Value } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { IouDefinition } from "../metrics/iou.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { appendMetrics, total } from "./append-metrics.ts";
import { option } from "../model/option.ts";

/** What is fixed when a step graph is built. */
export interface StepGraphOptions {
  /** `adaptive`: pixels at their target leave the loss (ASM); `static`: all pixels stay (SSM). */
  readonly mask: "adaptive" | "static";
  readonly iou: IouDefinition;
  /** Values an image file can hold per channel (256 for 8 bits): the model then sees the rounded image. */
  readonly levels?: number | undefined;
  /** Where the graph will run; the numbers are the same. @default "any" */
  readonly target?: Target;
}

/** Entries of the output `metrics`, in this order. */
export const metricNames = [
  "alpha",
  "iou",
  "correctPixels",
  "countedPixels",
  "foregroundPixels",
  "loss",
  "l2",
  "linf",
  "gradientL2",
  "gradientLinf",
  "scoresNotNumbers",
] as const;

/** Scalars of one step; `l2`, `linf` of x_n − x_0, gradients of the prediction loss at x_n. */
export type StepMetrics = Readonly<Record<(typeof metricNames)[number], number>>;

/**
 * Builds one iteration of the attack as one graph: forward, masked loss, backward to the image
 * (derived here, or that of the training graph that the user brought), update, clip and metrics.
 *
 * With g the scores, ŷ their argmax, Y the target and m the region that may change:
 *
 *     L       = Σ_c Σ_i 1[Y_i = c]·1[ŷ_i ≠ c]·g(x_n)_{c,i} − λ‖x_n − x_0‖²   (ASM; SSM without 1[ŷ_i ≠ c])
 *     α_n     = β·max(IoU(Y, ŷ), ε·(1 − |ŷ ≠ 0| / P)) + τ
 *     u_{n+1} = x_n + m·α_n·∇L
 *     x_{n+1} = clip(u_{n+1}, 0, 1)
 *
 * ε is 0 except for empty targets, where the share of the erased foreground P takes the place of an
 * IoU that is 0 until the end. With `levels`, g is taken at round(x_n·(levels − 1))/(levels − 1) and
 * its gradient is passed straight through to x_n.
 *
 * Inputs: `image`, `original` float32 [1, C, H, W]; `region` float32 [1, 1, H, W]; `target` float32
 * [1, 1, h, w] (−1 ignored); of volumes with a depth before the height; `beta`, `tau`, `lambda`, `erasing` (ε), `erased_from` (P) float32 [].
 * Outputs: `next_image` and `unclipped` as `image`; `prediction` float32 [1, 1, h, w]; `metrics`
 * float32 in the order of {@link metricNames}.
 *
 * @see arXiv 1907.13124, equations 2 (loss) and 4 (multiplier)
 * @throws UnsupportedOperatorError with all operators without a gradient rule; AsmaError
 *   `ERR_NO_GRADIENT` when the scores do not depend on the image
 */
export function buildStepGraph(model: SegmentationModel, options: StepGraphOptions): ResolvedModel {
  const b = model.startGraph(options.target);
  const inputs = appendInputs(b, model);
  const { image, original, lambda } = inputs;
  const seen = options.levels === undefined ? image : appendRounding(b, image, options.levels);
  const { scores, gradientOf } = model.appendTo(b, seen);
  const metrics = appendMetrics(b, scores, inputs.target, options.iou);
  const weights =
    options.mask === "adaptive"
      ? b.op("Mul", [metrics.targetOneHot, metrics.wrong])
      : metrics.targetOneHot;
  const gradient = gradientOf([{ value: scores, weight: weights }]);
  if (gradient === undefined) {
    throw new AsmaError(
      "ERR_NO_GRADIENT",
      `No gradient flows from '${model.description.head.scores}' to the image: every path passes an operator with zero gradient. Name another output with ${option("output")}.`,
    );
  }
  const perturbation = b.op("Sub", [image, original]);
  const seenPerturbation = seen === image ? perturbation : b.op("Sub", [seen, original]);
  const squared = total(b, b.op("Mul", [seenPerturbation, seenPerturbation]));
  const loss = b.op("Sub", [
    total(b, b.op("Mul", [weights, scores])),
    b.op("Mul", [lambda, squared]),
  ]);
  const erased = b.op("Sub", [
    b.scalar(1),
    b.op("Div", [metrics.foregroundPixels, inputs.erasedFrom]),
  ]);
  const progress = b.op("Max", [metrics.iou, b.op("Mul", [inputs.erasing, erased])]);
  const alpha = b.op("Add", [b.op("Mul", [inputs.beta, progress]), inputs.tau]);
  const pull = b.op("Mul", [b.op("Mul", [b.scalar(2), lambda]), perturbation]);
  const ascent = b.op("Mul", [b.op("Sub", [gradient, pull]), alpha]);
  const unclipped = b.op("Add", [image, b.op("Mul", [ascent, inputs.region])]);
  const next = b.op("Clip", [unclipped, b.scalar(0), b.scalar(1)]);
  const movable = b.op("Mul", [gradient, inputs.region]);
  const largest = (x: Value) =>
    b.reshape(
      b.reduce(
        "ReduceMax",
        b.op("Abs", [x]),
        x.dims.map((_, axis) => axis),
      ),
      [],
    );
  const scalars: Record<(typeof metricNames)[number], Value> = {
    alpha,
    iou: metrics.iou,
    correctPixels: metrics.correctPixels,
    countedPixels: metrics.countedPixels,
    foregroundPixels: metrics.foregroundPixels,
    loss,
    l2: b.op("Sqrt", [squared]),
    linf: largest(seenPerturbation),
    gradientL2: b.op("Sqrt", [total(b, b.op("Mul", [movable, movable]))]),
    gradientLinf: largest(movable),
    scoresNotNumbers: b.op("Sub", [
      b.scalar(scores.dims.reduce((n, d) => n * d, 1)),
      total(b, b.cast(b.op("Equal", [scores, scores]), "float32")),
    ]),
  };
  b.output(next, "next_image");
  b.output(unclipped, "unclipped");
  b.output(metrics.prediction, "prediction");
  b.output(
    b.concat(
      metricNames.map((name) => b.reshape(scalars[name], [1])),
      0,
    ),
    "metrics",
  );
  return b.build();
}

function appendInputs(b: GraphBuilder, model: SegmentationModel) {
  const { imageDims } = model;
  const { head, preprocessing } = model.description;
  const input = (name: string, dims: readonly number[]) =>
    b.input(name, { dtype: "float32", dims });
  // Named so that they cannot collide with the model's own input.
  return {
    image: input("attack/image", imageDims),
    original: input("attack/original", imageDims),
    region: input("attack/region", [1, 1, ...preprocessing.imageSize]),
    target: input("attack/target", [1, 1, ...head.size]),
    beta: input("attack/beta", []),
    tau: input("attack/tau", []),
    lambda: input("attack/lambda", []),
    erasing: input("attack/erasing", []),
    erasedFrom: input("attack/erased_from", []),
  };
}

function appendRounding(b: GraphBuilder, image: Value, levels: number): Value {
  const steps = b.scalar(levels - 1);
  return b.op("Div", [b.op("Round", [b.op("Mul", [image, steps])]), steps]);
}
