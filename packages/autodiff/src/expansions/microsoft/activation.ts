import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Value } from "../../graph/value.ts";
import { RuleRefusal } from "../../rules/gradient-rule.ts";

/** The activation of a fused operator; `parameters` are its attributes in ONNX order, if any. */
export function activate(
  b: GraphBuilder,
  x: Value,
  activation: string,
  parameters: readonly (number | undefined)[],
): Value {
  const [first, second] = parameters;
  const float = (value: number | undefined) => (value === undefined ? undefined : { float: value });
  switch (activation) {
    case "":
      return x;
    case "Relu":
    case "Sigmoid":
    case "Tanh":
    case "Softplus":
      return b.op(activation, [x]);
    case "LeakyRelu":
      return b.op(activation, [x], { alpha: float(first) });
    case "HardSigmoid":
      return b.op(activation, [x], { alpha: float(first), beta: float(second) });
    case "Clip":
      return b.op("Clip", [
        x,
        b.scalar(first ?? -3.4028234663852886e38, x.dtype),
        b.scalar(second ?? 3.4028234663852886e38, x.dtype),
      ]);
    default:
      throw new RuleRefusal(`its activation '${activation}' is not known here`);
  }
}
