import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { Expansion } from "./expansion.ts";
import { axesFrom, divideByRms, stashType } from "./normalize.ts";

/**
 * RMSNormalization (opset 23): x / √(mean(x²) + ε) · scale, the mean over the axes from `axis` on.
 *
 * @see https://onnx.ai/onnx/operators/onnx__RMSNormalization.html
 */
export const rmsNormalization: Expansion = {
  opType: "RMSNormalization",
  expand: (c) => [scaled(c).y],
};

/**
 * SimplifiedLayerNormalization of ONNX Runtime's optimiser, in the default domain: the same, with the
 * inverse root mean square as its second output.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/graph/contrib_ops/contrib_defs.cc
 */
export const simplifiedLayerNormalization: Expansion = {
  opType: "SimplifiedLayerNormalization",
  expand: (c) => {
    const { y, inverse } = scaled(c);
    return [y, inverse];
  },
};

function scaled(c: NodeContext): { y: Value; inverse: Value } {
  const { b } = c;
  const axes = axesFrom(c.int("axis", -1), c.x().dims.length);
  const x = b.cast(c.x(), stashType(c.x(), c.int("stash_type", 1)));
  const { normalized, inverse } = divideByRms(b, x, axes, c.float("epsilon", 1e-5));
  // The result has the scale's dtype, which is that of x but in mixed precision.
  return { y: arithmetic(b).mul(b.cast(normalized, c.x(1).dtype), c.x(1)), inverse };
}
