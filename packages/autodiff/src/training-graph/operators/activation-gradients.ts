import { makeAttributes } from "../../graph/attribute.ts";
import { floatAttribute } from "../../graph/attribute.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import { RuleRefusal } from "../../rules/gradient-rule.ts";
import { gradientOperator, type TrainingOperator } from "./training-operator.ts";

/**
 * ReluGrad(dY, Y), SigmoidGrad(dY, Y), TanhGrad(dY, Y), LeakyReluGrad(dY, Y): elementwise, from the
 * forward output. ReluGrad may get the forward input instead: the sign is the same.
 */
export const reluGrad = gradientOperator({ opType: "ReluGrad", forward: "Relu", x: [1], y: 1 });
export const sigmoidGrad = gradientOperator({
  opType: "SigmoidGrad",
  forward: "Sigmoid",
  x: [1],
  y: 1,
});
export const tanhGrad = gradientOperator({ opType: "TanhGrad", forward: "Tanh", x: [1], y: 1 });

const leakyRelu = gradientOperator({ opType: "LeakyReluGrad", forward: "LeakyRelu", x: [1], y: 1 });
export const leakyReluGrad: TrainingOperator = {
  ...leakyRelu,
  lower: (c) => {
    if (floatAttribute(c.node, "alpha", 0.01) < 0) {
      throw new RuleRefusal("alpha is negative, so that its output does not tell the sign of x");
    }
    return leakyRelu.lower(c);
  },
};

const approximately = makeAttributes({ approximate: "tanh" });

/** GeluGrad(dY, X): x·Φ(x). */
export const geluGrad = gradientOperator({
  opType: "GeluGrad",
  forward: "Gelu",
  x: [1],
  attribute: () => [],
});

/** FastGeluGrad(dY, X): the tanh form of Gelu. */
export const fastGeluGrad = gradientOperator({
  opType: "FastGeluGrad",
  forward: "Gelu",
  x: [1],
  attribute: () => approximately,
});

/** BiasGeluGrad_dX and BiasFastGeluGrad_dX(dY, X, B): Gelu at x + b; the gradients of both are equal before they are summed. */
function biasGelu(opType: string, isFast: boolean): TrainingOperator {
  return {
    opType,
    domain: "com.microsoft",
    upstream: 0,
    like: (node) => [{ value: node.input[1] as string }],
    lower: (c) =>
      c.gradients("Gelu", {
        x: [c.b.op("Add", [c.input(1), c.input(2)])],
        y: c.input(0),
        dy: c.input(0),
        attribute: isFast ? approximately : [],
      }),
  };
}
export const biasGeluGrad = biasGelu("BiasGeluGrad_dX", false);
export const biasFastGeluGrad = biasGelu("BiasFastGeluGrad_dX", true);

/** QuickGeluGrad(dY, X): y = x·σ(αx), so dx = dy·(s + αx·s·(1 − s)) with s = σ(αx). */
export const quickGeluGrad: TrainingOperator = {
  opType: "QuickGeluGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [{ value: node.input[1] as string }],
  lower: (c) => [
    () => {
      const { add, mul, sub } = arithmetic(c.b);
      const scaled = mul(c.input(1), floatAttribute(c.node, "alpha", 1.702));
      const s = c.b.op("Sigmoid", [scaled]);
      return mul(c.input(0), add(s, mul(scaled, mul(s, sub(1, s)))));
    },
  ],
};
