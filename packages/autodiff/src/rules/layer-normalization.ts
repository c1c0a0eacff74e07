import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "./arithmetic.ts";
import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { normalizationGradients } from "./normalization-gradients.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * LayerNormalization (opset 17): with x̂ = (x − μ)/σ over the axes from `axis` on and g = dy · scale,
 * dx = (g − mean(g) − x̂ · mean(g · x̂))/σ. Statistics are computed again from x: reading the node's
 * own would undo the runtime's fusion, and WebGPU does not give them.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LayerNormalization.html
 */
export const layerNormalization: GradientRule = {
  opType: "LayerNormalization",
  build: (c) => {
    if (c.hasUpstream(1) || c.hasUpstream(2)) {
      throw new RuleRefusal("its outputs Mean and InvStdDev are not differentiated");
    }
    const { dims } = c.x();
    const first = normalizeAxis(c.int("axis", -1), dims.length);
    const axes = dims.flatMap((_, i) => (i >= first ? [i] : []));
    const { mul } = arithmetic(c.b);
    const g = lazy(() => normalizationGradients(c, axes, mul(c.dy(), c.x(1))));
    return [
      () => g().dx,
      () => unbroadcast(c.b, mul(c.dy(), g().normalized), c.x(1).dims),
      () => unbroadcast(c.b, c.dy(), c.x(2).dims),
    ];
  },
};
