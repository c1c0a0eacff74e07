import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { intAttribute } from "../graph/attribute.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";

/**
 * NegativeLogLikelihoodLoss (opset 12): −weight[target] · input[target], 0 where the target is
 * `ignore_index`; summed, or averaged by weight, over all samples.
 *
 * @see https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html
 */
export const negativeLogLikelihoodLoss: Expansion = {
  opType: "NegativeLogLikelihoodLoss",
  expand: (c) => [negativeLogLikelihood(c, c.x())],
};

/**
 * SoftmaxCrossEntropyLoss (opset 12): the negative log-likelihood of LogSoftmax over axis 1, which is
 * the second output.
 *
 * @see https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
 */
export const softmaxCrossEntropyLoss: Expansion = {
  opType: "SoftmaxCrossEntropyLoss",
  expand: (c) => {
    const logProbabilities = c.b.op("LogSoftmax", [c.x()], { axis: 1 });
    return [negativeLogLikelihood(c, logProbabilities), logProbabilities];
  },
};

function negativeLogLikelihood(c: NodeContext, x: Value): Value {
  const { b } = c;
  const { div, mul, where } = arithmetic(b);
  const reduction = c.string("reduction", "mean");
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none") {
    throw new RuleRefusal(`reduction is '${reduction}', not 'none', 'sum' or 'mean'`);
  }
  const [, classes] = x.dims as readonly [number, number];
  const target = b.cast(c.x(1), "int64");
  const column = [target.dims[0] as number, 1, ...target.dims.slice(1)];
  const labels = b.reshape(target, column);
  const ignore = intAttribute(c.node, "ignore_index", undefined);
  // One of all classes, as a mask: what is ignored is none of them.
  const indices = Array.from({ length: classes }, (_, i) => i);
  const perClass = [1, classes, ...target.dims.slice(1).map(() => 1)];
  const isLabel = b.op("Equal", [labels, b.constant("int64", perClass, indices)]);
  let chosen = where(isLabel, weights(c, x, perClass), b.scalar(0, x.dtype));
  if (ignore !== undefined) {
    const isIgnored = b.op("Equal", [labels, b.scalar(ignore, "int64")]);
    chosen = where(isIgnored, b.scalar(0, x.dtype), chosen);
  }
  const zero = b.scalar(0, x.dtype);
  // Where, not a product alone: a log-probability of −∞ times 0 is no number.
  const picked = mul(where(isLabel, x, zero), chosen);
  const loss = b.op("Neg", [b.reduce("ReduceSum", picked, [1], false)]);
  const axes = loss.dims.map((_, i) => i);
  if (reduction === "none") {
    return loss;
  }
  const sum = b.reduce("ReduceSum", loss, axes, false);
  const isCounted = c.hasInput(2) || ignore !== undefined;
  const count = isCounted
    ? b.reduce("ReduceSum", chosen, [0, ...axes.map((i) => i + 1)], false)
    : b.scalar(
        loss.dims.reduce((n, d) => n * d, 1),
        x.dtype,
      );
  return reduction === "sum" ? sum : div(sum, count);
}

function weights(c: NodeContext, x: Value, dims: readonly number[]): Value {
  return c.hasInput(2) ? c.b.reshape(c.x(2), dims) : c.b.scalar(1, x.dtype);
}
