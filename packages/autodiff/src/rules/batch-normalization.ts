import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * BatchNormalization (opset 7) at inference: dx = dy · scale / √(var + ε) per channel. Refused in
 * training mode, where the statistics come from the batch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 */
export const batchNormalization: GradientRule = {
  opType: "BatchNormalization",
  build: (c) => {
    if (c.int("training_mode", 0) !== 0) {
      throw new RuleRefusal("training_mode is 1; export the model for inference");
    }
    if ([1, 2, 3, 4].some((i) => c.needsGradient(i))) {
      throw new RuleRefusal("its scale, bias, mean or variance are computed from the image");
    }
    return [() => arithmetic(c.b).mul(c.dy(), factor(c))];
  },
};

/** scale / √(var + ε) as [C, 1, …]; folded when the model is loaded. */
function factor(c: RuleContext) {
  const { add, div } = arithmetic(c.b);
  const spread = c.b.op("Sqrt", [add(c.x(4), c.float("epsilon", 1e-5))]);
  const channels = c.x().dims[1] ?? 1;
  const perChannel = [
    channels,
    ...c
      .x()
      .dims.slice(2)
      .map(() => 1),
  ];
  return c.b.cast(c.b.reshape(div(c.x(1), spread), perChannel), c.x().dtype);
}
