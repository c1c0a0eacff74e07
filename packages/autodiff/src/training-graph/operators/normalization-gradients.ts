import { intAttribute } from "../../graph/attribute.ts";
import { normalizeAxis, type Value } from "../../graph/value.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import { lazy } from "../../rules/lazy.ts";
import { unbroadcast } from "../../rules/unbroadcast.ts";
import {
  gradientOperator,
  type LoweringContext,
  type TrainingOperator,
} from "./training-operator.ts";

/** LayerNormalizationGrad(dY, X, scale, mean, invStdDev): gradients of x, scale and bias (of scale's dims). */
export const layerNormalizationGrad = gradientOperator({
  opType: "LayerNormalizationGrad",
  forward: "LayerNormalization",
  x: [1, 2, 2],
});

function meanOver(c: LoweringContext, value: Value): Value {
  const rank = value.dims.length;
  const first = normalizeAxis(intAttribute(c.node, "axis", -1), rank);
  return c.b.reduce(
    "ReduceMean",
    value,
    Array.from({ length: rank - first }, (_, i) => first + i),
  );
}

/**
 * InvertibleLayerNormalizationGrad(dY, Y, scale, bias, invStdDev): with x̂ = (y − bias)/scale and
 * g = dy·scale, dx = invStdDev·(g − mean(g) − x̂·mean(g·x̂)).
 */
export const invertibleLayerNormalizationGrad: TrainingOperator = {
  opType: "InvertibleLayerNormalizationGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [1, 2, 3].map((i) => ({ value: node.input[i] as string })),
  lower: (c) => {
    const { div, mul, sub } = arithmetic(c.b);
    const normalized = lazy(() => div(sub(c.input(1), c.input(3)), c.input(2)));
    return [
      () => {
        const g = mul(c.input(0), c.input(2));
        const along = mul(normalized(), meanOver(c, mul(g, normalized())));
        return mul(sub(sub(g, meanOver(c, g)), along), c.input(4));
      },
      () => unbroadcast(c.b, mul(c.input(0), normalized()), c.input(2).dims),
      () => unbroadcast(c.b, c.input(0), c.input(3).dims),
    ];
  },
};

/**
 * SimplifiedLayerNormalizationGrad(dY, X, scale, invStdDev), the normalization by the root mean square:
 * with x̂ = x·invStdDev and g = dy·scale, dx = invStdDev·(g − x̂·mean(g·x̂)).
 */
export const simplifiedLayerNormalizationGrad: TrainingOperator = {
  opType: "SimplifiedLayerNormalizationGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [1, 2].map((i) => ({ value: node.input[i] as string })),
  lower: (c) => {
    const { mul, sub } = arithmetic(c.b);
    const normalized = lazy(() => mul(c.input(1), c.input(3)));
    return [
      () => {
        const g = mul(c.input(0), c.input(2));
        return mul(sub(g, mul(normalized(), meanOver(c, mul(g, normalized())))), c.input(3));
      },
      () => unbroadcast(c.b, mul(c.input(0), normalized()), c.input(2).dims),
    ];
  },
};
