import { intAttribute } from "../../graph/attribute.ts";
import { normalizeAxis, type Value } from "../../graph/value.ts";
import { elementCount } from "../../model/data-type.ts";
import { gradientOperator, type TrainingOperator } from "./training-operator.ts";

/**
 * SoftmaxGrad, LogSoftmaxGrad(dY, Y): over the axis and all after it, as before opset 13, which are flattened;
 * with the suffix `_13` over one axis.
 */
function softmaxOperator(opType: string, forward: string): TrainingOperator {
  const operator = gradientOperator({ opType, forward, x: [1], y: 1 });
  const isOneAxis = opType.endsWith("_13");
  return {
    ...operator,
    lower: (c) => {
      const { dims } = c.input(1);
      const axis = normalizeAxis(intAttribute(c.node, "axis", isOneAxis ? -1 : 1), dims.length);
      if (isOneAxis || axis === dims.length - 1) {
        return operator.lower(c);
      }
      const flat = [elementCount(dims.slice(0, axis)), elementCount(dims.slice(axis))];
      const [dy, y] = [0, 1].map((i) => c.b.reshape(c.input(i), flat)) as [Value, Value];
      const [dx] = c.gradients(forward, { x: [y], y, dy, attribute: [] });
      return [dx ? () => c.b.reshape(dx(), dims) : null];
    },
  };
}
export const softmaxGrad = softmaxOperator("SoftmaxGrad", "Softmax");
export const softmaxGrad13 = softmaxOperator("SoftmaxGrad_13", "Softmax");
export const logSoftmaxGrad = softmaxOperator("LogSoftmaxGrad", "LogSoftmax");
export const logSoftmaxGrad13 = softmaxOperator("LogSoftmaxGrad_13", "LogSoftmax");
