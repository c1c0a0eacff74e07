import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { normalizationGradients } from "./normalization-gradients.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * LayerNormalization (opset 17): with x̂ = (x − μ)/σ over the axes from `axis` on and g = dy · scale,
 * dx = (g − mean(g) − x̂ · mean(g · x̂))/σ. What arrives at the outputs μ and 1/σ adds dμ/n and
 * −d(1/σ) · x̂/(n · σ²) for n elements along the axes. Statistics are computed again from x: reading the node's
 * own would undo the runtime's fusion, and WebGPU does not give them.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LayerNormalization.html
 */
export const layerNormalization: GradientRule = {
  opType: "LayerNormalization",
  build: (c) => {
    const { dims } = c.x();
    const first = normalizeAxis(c.int("axis", -1), dims.length);
    const axes = dims.flatMap((_, i) => (i >= first ? [i] : []));
    const { add, div, mul, sub } = arithmetic(c.b);
    const g = lazy(() => normalizationGradients(c, axes, mul(c.dy(), c.x(1))));
    const count = axes.reduce((n, axis) => n * (dims[axis] as number), 1);
    const share = (i: number) => div(c.b.cast(c.dy(i), c.x().dtype), count);
    return [
      () => {
        const { dx, normalized, deviation } = g();
        const withMean = c.hasUpstream(1) ? add(dx, share(1)) : dx;
        return c.hasUpstream(2)
          ? sub(withMean, div(mul(share(2), normalized), mul(deviation, deviation)))
          : withMean;
      },
      () => unbroadcast(c.b, mul(c.dy(), g().normalized), c.x(1).dims),
      () => unbroadcast(c.b, c.dy(), c.x(2).dims),
    ];
  },
};
