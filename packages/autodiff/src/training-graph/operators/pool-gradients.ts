import type { NodeProto } from "../../model/onnx-messages.ts";
import { RuleRefusal } from "../../rules/gradient-rule.ts";
import type { ForwardNodes } from "./forward-nodes.ts";
import type { TrainingOperator } from "./training-operator.ts";

/**
 * MaxPoolGrad(dY, indices) and AveragePoolGrad(dY), both in the default domain: what they lack is taken
 * from the pool they belong to.
 */
function poolOperator(
  opType: string,
  forwardOf: (node: NodeProto, forward: ForwardNodes) => NodeProto | undefined,
): TrainingOperator {
  const poolType = opType.replace(/Grad$/, "");
  const find = (node: NodeProto, forward: ForwardNodes) => {
    const pool = forwardOf(node, forward);
    if (pool?.opType !== poolType) {
      throw new RuleRefusal(`the ${poolType} it belongs to is not found`);
    }
    return pool;
  };
  return {
    opType,
    domain: "",
    upstream: 0,
    like: (node, forward) => [{ value: find(node, forward).input[0] as string }],
    lower: (c) => {
      const pool = find(c.node, c.forward);
      return c.gradients(poolType, {
        x: [c.named(pool.input[0] as string)],
        y: c.named(pool.output[0] as string),
        dy: c.input(0),
        attribute: pool.attribute,
      });
    },
  };
}

export const maxPoolGrad = poolOperator("MaxPoolGrad", (node, forward) =>
  forward.producer(node.input[1] ?? ""),
);
export const averagePoolGrad = poolOperator("AveragePoolGrad", (node, forward) =>
  forward.ofUpstream(node.input[0] ?? "", "AveragePool"),
);
