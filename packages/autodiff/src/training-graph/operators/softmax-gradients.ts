import { intAttribute } from "../../graph/attribute.ts";
import { normalizeAxis } from "../../graph/value.ts";
import { RuleRefusal } from "../../rules/gradient-rule.ts";
import { gradientOperator, type TrainingOperator } from "./training-operator.ts";

/**
 * SoftmaxGrad, LogSoftmaxGrad(dY, Y): over the axis and all after it, as before opset 13; with the suffix
 * `_13` over one axis. The rule goes by the graph's opset, so the two have to agree; along the last
 * axis they always do.
 */
function softmaxOperator(opType: string, forward: string): TrainingOperator {
  const operator = gradientOperator({ opType, forward, x: [1], y: 1 });
  const isOneAxis = opType.endsWith("_13");
  return {
    ...operator,
    lower: (c) => {
      const rank = c.input(1).dims.length;
      const axis = normalizeAxis(intAttribute(c.node, "axis", isOneAxis ? -1 : 1), rank);
      if (axis !== rank - 1 && isOneAxis !== c.b.opset >= 13) {
        throw new RuleRefusal(`it is not the gradient of ${forward} of opset ${c.b.opset}`);
      }
      return operator.lower(c);
    },
  };
}
export const softmaxGrad = softmaxOperator("SoftmaxGrad", "Softmax");
export const softmaxGrad13 = softmaxOperator("SoftmaxGrad_13", "Softmax");
export const logSoftmaxGrad = softmaxOperator("LogSoftmaxGrad", "LogSoftmax");
export const logSoftmaxGrad13 = softmaxOperator("LogSoftmaxGrad_13", "LogSoftmax");
