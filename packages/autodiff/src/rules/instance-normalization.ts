import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { normalizationGradients } from "./normalization-gradients.ts";

/**
 * InstanceNormalization (opset 6): with x̂ = (x − μ)/σ over the pixels of each channel,
 * dx = scale/σ · (dy − mean(dy) − x̂ · mean(dy · x̂)). Statistics are computed again from x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html
 */
export const instanceNormalization: GradientRule = {
  opType: "InstanceNormalization",
  build: (c) => {
    const spatial = c.x().dims.slice(2);
    const axes = spatial.map((_, i) => i + 2);
    const scale = () => c.b.reshape(c.x(1), [c.x(1).dims[0] as number, ...spatial.map(() => 1)]);
    const g = lazy(() => normalizationGradients(c, axes, arithmetic(c.b).mul(c.dy(), scale())));
    const overChannel = [0, ...axes];
    return [
      () => g().dx,
      () =>
        c.b.reduce("ReduceSum", arithmetic(c.b).mul(c.dy(), g().normalized), overChannel, false),
      () => c.b.reduce("ReduceSum", c.dy(), overChannel, false),
    ];
  },
};
