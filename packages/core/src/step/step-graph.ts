import type { GraphBuilder, ResolvedModel, Target, Value } from "@onnx-asma/autodiff";
import { operatorsOf, type Operators } from "../attack/operators.ts";
import type { Recipe } from "../attack/recipe.ts";
import type { MetricValues, StepContext } from "../attack/step-context.ts";
import { AsmaError } from "../errors.ts";
import { largestOther } from "../loss/largest-other.ts";
import { sumOf } from "../loss/sum-of.ts";
import type { IouDefinition } from "../metrics/iou.ts";
import { option } from "../model/option.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { appendMetrics } from "./append-metrics.ts";
import { appendNorms } from "./append-norms.ts";
import { appendInputs, mapValues } from "./append-inputs.ts";
import { nameOutput } from "./name-output.ts";

/** What is fixed when a step graph is built. */
export interface StepGraphOptions {
  readonly iou: IouDefinition;
  /** Whether the labels are to be reached, or to be left. @default true */
  readonly targeted?: boolean;
  /** Values an image file can hold per channel (256 for 8 bits): the model then sees the rounded image. */
  readonly levels?: number | undefined;
  /** Whether only a region of the image may change. @default false */
  readonly hasRegion?: boolean;
  /** Where the graph will run; the numbers are the same. @default "any" */
  readonly target?: Target | undefined;
}

/** Entries of the output `metrics` in this order, before the recipe's logs; a row each, a column an image. */
export const metricNames = [
  "iou",
  "correctPixels",
  "countedPixels",
  "absentPixels",
  "loss",
  "l1",
  "l2",
  "linf",
  "gradientL2",
  "gradientLinf",
  "scoresNotNumbers",
  "lead",
  "leadBefore",
] as const;

/** One of {@link metricNames}. */
export type MetricName = (typeof metricNames)[number];

/** A graph of one step, and the names of what goes in and comes out. */
export interface StepGraph {
  readonly graph: ResolvedModel;
  readonly inputs: {
    /** float32 [N, C, …size] */
    readonly image: string;
    /** float32 [N, C, …size] */
    readonly original: string;
    /** float32 [N, 1, …size], where only a region may change. */
    readonly region: string | undefined;
    /** float32 [N, 1, …grid] labels, −1 ignored. */
    readonly labels: string;
    /** float32 [P, N, 1, …]: `commonNumbers`, then the recipe's. */
    readonly numbers: string;
    readonly state: Readonly<Record<string, string>>;
  };
  readonly outputs: {
    readonly image: string;
    /** What the model was shown, where that is not the iterate itself. */
    readonly seen: string | undefined;
    /** float32 [N, 1, …grid] */
    readonly prediction: string;
    /** float32 [M, N]: {@link metricNames}, then `logs`. */
    readonly metrics: string;
    readonly state: Readonly<Record<string, string>>;
    /** An image that the schedule wants measured. */
    readonly measure: string | undefined;
  };
  /** Dims of each state tensor. */
  readonly stateDims: Readonly<Record<string, readonly number[]>>;
  /** Names of the recipe's numbers and logs. */
  readonly numbers: readonly string[];
  readonly logs: readonly string[];
}

/**
 * Builds one iteration of an attack as one graph: what the model sees, forward, loss, backward to the
 * image (derived here, or that of the training graph that the user brought), the recipe's update, and
 * metrics. All per image: axis 0 is never reduced.
 *
 * With `levels`, the model sees round(x·(levels − 1))/(levels − 1), and the gradient is passed straight
 * through to x.
 *
 * @throws UnsupportedOperatorError with all operators without a gradient rule; AsmaError
 *   `ERR_NO_GRADIENT` when the scores do not depend on the image
 */
export function buildStepGraph(
  model: SegmentationModel,
  recipe: Recipe,
  options: StepGraphOptions,
): StepGraph {
  const b = model.startGraph(options.target);
  const ops = operatorsOf(b);
  const inputs = appendInputs(b, model, recipe, options);
  const { x, x0, region, labels, numbers, state } = inputs;
  const isFirst = ops.equal(numbers["isFirst"] as Value, 1);
  const shown = recipe.image?.({ b, ops, x, x0, state, n: numbers, isFirst }) ?? x;
  const seen = options.levels === undefined ? shown : appendRounding(ops, shown, options.levels);
  const { scores, gradientOf, leadBefore } = model.appendTo(b, seen);
  const measured = appendMetrics(
    b,
    ops,
    { scores, target: labels, absentBefore: numbers["absentBefore"] as Value },
    options.iou,
  );
  const targeted = options.targeted ?? true;
  const lead = appendLead(b, ops, scores, measured);
  let gradient: Value | undefined;
  const context: StepContext = {
    b,
    ops,
    x,
    x0,
    seen,
    scores,
    targetOneHot: measured.targetOneHot,
    counted: measured.counted,
    wrong: appendWrong(ops, lead, measured, numbers["margin"] as Value, targeted),
    direction: targeted ? 1 : -1,
    margin: numbers["margin"] as Value,
    reached: appendReached(ops, measured, numbers, targeted),
    isRejected: ops.equal(numbers["isRejected"] as Value, 1),
    measured,
    state,
    n: numbers,
    isFirst,
    gradientOf: (terms) => {
      const found = gradientOf(terms);
      if (found === undefined) {
        throw noGradient(model);
      }
      gradient = region === undefined ? found : ops.mul(found, region);
      return gradient;
    },
    box: (u) => {
      const clipped = ops.clip(u, 0, 1);
      return region === undefined ? clipped : ops.where(ops.greater(region, 0.5), clipped, x0);
    },
  };
  const step = b.within("attack", () => recipe.step(context));
  if (gradient === undefined) {
    throw new AsmaError(
      "ERR_ATTACK",
      "Expected the step of an attack to ask for a gradient but it did not: call gradientOf once.",
    );
  }
  const loss = sumOf(ops, step.loss);
  const logs = step.logs ?? {};
  const metrics: Record<MetricName, Value> = {
    iou: measured.iou,
    correctPixels: measured.correctPixels,
    countedPixels: measured.countedPixels,
    absentPixels: measured.absentPixels,
    loss: step.penalty === undefined ? loss : ops.sub(loss, step.penalty),
    ...appendNorms(ops, ops.sub(seen, x0)),
    ...gradientNormsOf(ops, gradient),
    scoresNotNumbers: ops.sub(
      scores.dims.slice(1).reduce((n, d) => n * d, 1),
      ops.sum(ops.indicator(ops.equal(scores, scores))),
    ),
    // The mean over the scored pixels, of its absolute value.
    lead: ops.div(ops.sum(ops.abs(lead)), ops.max(measured.countedPixels, 1)),
    leadBefore: leadBefore ?? b.scalar(0),
  };
  const images = x.dims[0] as number;
  const rows = [...metricNames.map((name) => metrics[name]), ...Object.values(logs)];
  const table = b.concat(
    rows.map((row) => b.reshape(spread(b, row, images), [1, images])),
    0,
  );
  return {
    outputs: {
      image: nameOutput(b, step.x, "next_image"),
      seen: seen === x ? undefined : nameOutput(b, seen, "seen"),
      prediction: nameOutput(b, measured.prediction, "prediction"),
      metrics: nameOutput(b, table, "metrics"),
      state: mapValues(recipe.state, (_, name) =>
        nameOutput(b, stateOf(step.state, name, inputs.state[name] as Value), `next_${name}`),
      ),
      measure: step.measure && nameOutput(b, step.measure, "measured_image"),
    },
    inputs: {
      image: x.name,
      original: x0.name,
      region: region?.name,
      labels: labels.name,
      numbers: inputs.packed.name,
      state: mapValues(inputs.state, ({ name }) => name),
    },
    stateDims: mapValues(inputs.state, ({ dims }) => dims),
    numbers: recipe.numbers,
    logs: Object.keys(logs),
    graph: b.build(),
  };
}

/** [N, 1, …grid]: by how much the label's score leads the largest other one; 0 on ignored pixels. */
function appendLead(
  b: GraphBuilder,
  { sub, mul }: Operators,
  scores: Value,
  { targetOneHot, counted }: MetricValues,
): Value {
  const own = b.reduce("ReduceSum", mul(scores, targetOneHot), [1]);
  return mul(sub(own, largestOther(b, scores, targetOneHot)), counted);
}

/** Pixels that the loss still has to look at: not as wanted, or by less than the margin. */
function appendWrong(
  { sub, mul, max, less, greater, indicator }: Operators,
  lead: Value,
  { counted, wrong }: MetricValues,
  margin: Value,
  targeted: boolean,
): Value {
  return targeted
    ? max(wrong, mul(counted, indicator(less(lead, margin))))
    : max(sub(counted, wrong), mul(counted, indicator(greater(lead, mul(margin, -1)))));
}

/** bool [N, 1, …]: whether both thresholds hold, as `metrics/thresholds.ts` has it. */
function appendReached(
  { add, sub, div, max, less, equal, indicator }: Operators,
  { iou, correctPixels, countedPixels }: MetricValues,
  numbers: Readonly<Record<string, Value>>,
  targeted: boolean,
): Value {
  const lacks = (share: Value, threshold: string) =>
    indicator(less(targeted ? share : sub(1, share), numbers[threshold] as Value));
  const accuracy = div(correctPixels, max(countedPixels, 1));
  return equal(add(lacks(iou, "iouThreshold"), lacks(accuracy, "pixelAccuracyThreshold")), 0);
}

function appendRounding({ mul, div, round }: Operators, image: Value, levels: number): Value {
  return div(round(mul(image, levels - 1)), levels - 1);
}

function gradientNormsOf({ abs, mul, sqrt, sum, largest }: Operators, gradient: Value) {
  return { gradientL2: sqrt(sum(mul(gradient, gradient))), gradientLinf: largest(abs(gradient)) };
}

/** A number of each image, also where it is one for all. */
function spread(b: GraphBuilder, row: Value, images: number): Value {
  return b.expand(row, [images, ...row.dims.slice(1)]);
}

function stateOf(
  state: Readonly<Record<string, Value>> | undefined,
  name: string,
  { dims }: Value,
): Value {
  const next = state?.[name];
  if (next === undefined || next.dims.join() !== dims.join()) {
    throw new AsmaError(
      "ERR_ATTACK",
      `Expected the state '${name}' of an attack with dims [${dims.join(", ")}] but its step gives ${next === undefined ? "none" : `[${next.dims.join(", ")}]`}.`,
    );
  }
  return next;
}

function noGradient(model: SegmentationModel): AsmaError {
  return new AsmaError(
    "ERR_NO_GRADIENT",
    `No gradient flows from '${model.description.head.scores}' to the image: every path passes an operator with zero gradient. Name another output with ${option("output")}.`,
  );
}
