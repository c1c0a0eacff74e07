import { normalizeAxis, type Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

/**
 * Softmax (opset 13): dx = y·(dy − Σ dy·y), summed over the axis.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Softmax.html
 */
export const softmax: GradientRule = {
  opType: "Softmax",
  build: (c) => [
    () => {
      const { mul, sub } = arithmetic(c.b);
      const y = withoutNaN(c);
      return mul(y, sub(c.dy(), sum(c, mul(c.dy(), y))));
    },
  ],
};

/**
 * LogSoftmax (opset 13): dx = dy − exp(y)·Σ dy, summed as for Softmax.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LogSoftmax.html
 */
export const logSoftmax: GradientRule = {
  opType: "LogSoftmax",
  build: (c) => [
    () => {
      const { mul, sub } = arithmetic(c.b);
      return sub(c.dy(), mul(c.b.op("Exp", [c.y()]), sum(c, c.dy())));
    },
  ],
};

/**
 * y, with zeros in place of NaN where the graph itself selects something else for them by Where. A
 * distribution without any finite logit, attention of a row that is masked altogether, is NaN; its
 * upstream gradient is 0 then, and 0 · NaN would bring it back.
 */
function withoutNaN(c: RuleContext): Value {
  const y = c.y();
  const copies = new Set([y.name]);
  const isSelected = c.b.graph.node.some((node) => {
    const reads = node.domain === "" && node.input.some((name) => copies.has(name));
    if (reads && (node.opType === "Cast" || node.opType === "Identity")) {
      node.output.forEach((name) => copies.add(name));
    }
    return reads && node.opType === "Where";
  });
  const { equal, where } = arithmetic(c.b);
  // NaN alone is not equal to itself.
  return isSelected ? where(equal(y, y), y, 0) : y;
}

/** The sum over the axis of the distributions. */
function sum(c: RuleContext, value: Value): Value {
  const rank = value.dims.length;
  return c.b.reduce("ReduceSum", value, [normalizeAxis(c.int("axis", -1), rank)]);
}
