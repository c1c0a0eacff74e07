import { arithmetic } from "../graph/arithmetic.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { normalizationGradients } from "./normalization-gradients.ts";

/**
 * BatchNormalization (opset 7): with s = √(var + ε) and x̂ = (x − mean)/s per channel, dx = dy · scale/s,
 * dscale = Σ dy · x̂, dB = Σ dy, dmean = −dB · scale/s and dvar = −dscale · scale/(2s²). In training mode the
 * statistics are those of the batch, and dx that of a normalization.
 *
 * @see https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 */
export const batchNormalization: GradientRule = {
  opType: "BatchNormalization",
  build: (c) => {
    if (c.hasUpstream(1) || c.hasUpstream(2)) {
      throw new RuleRefusal("its running mean and variance have no gradient");
    }
    const { b } = c;
    const { add, div, mul, sub } = arithmetic(b);
    const { dims, dtype } = c.x();
    const [, channels = 1, ...spatial] = dims;
    const perChannel = (value: Value) =>
      b.cast(b.reshape(value, [channels, ...spatial.map(() => 1)]), dtype);
    const others = dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const total = (value: Value) =>
      b.cast(b.reshape(b.reduce("ReduceSum", value, others), [channels]), c.x(1).dtype);
    const deviation = lazy(() => b.op("Sqrt", [add(c.x(4), c.float("epsilon", 1e-5))]));
    // Folded when the model is loaded, if these are constants.
    const factor = lazy(() => div(c.x(1), deviation()));
    const ofBias = lazy(() => total(c.dy()));
    const ofScale = lazy(() => {
      const centred = sub(c.x(), perChannel(c.x(3)));
      return total(mul(c.dy(), div(centred, perChannel(deviation()))));
    });
    if (c.int("training_mode", 0) !== 0) {
      const g = lazy(() => normalizationGradients(c, others, mul(c.dy(), perChannel(c.x(1)))));
      return [() => g().dx, () => total(mul(c.dy(), g().normalized)), ofBias];
    }
    return [
      () => mul(c.dy(), perChannel(factor())),
      ofScale,
      ofBias,
      () => b.op("Neg", [mul(ofBias(), factor())]),
      () => mul(mul(ofScale(), factor()), div(-0.5, deviation())),
    ];
  },
};
