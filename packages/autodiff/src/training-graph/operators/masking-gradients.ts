import { RuleRefusal } from "../../rules/gradient-rule.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import type { TrainingOperator } from "./training-operator.ts";

/** DropoutGrad(dY, mask, ratio, training_mode) at inference, where nothing is dropped. */
export const dropoutGrad: TrainingOperator = {
  opType: "DropoutGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [{ value: node.input[0] as string }],
  lower: (c) => {
    const [training = c.hasInput(3) ? 1 : 0] = c.constant(3) ?? [];
    if (training !== 0) {
      throw new RuleRefusal("it drops at random; build the graph from a model in inference mode");
    }
    return [() => c.input(0)];
  },
};

/** FakeQuantGrad(dY, mask): dy where the mask holds. */
export const fakeQuantGrad: TrainingOperator = {
  opType: "FakeQuantGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [{ value: node.input[0] as string }],
  lower: (c) => [() => arithmetic(c.b).where(c.input(1), c.input(0), 0)],
};
