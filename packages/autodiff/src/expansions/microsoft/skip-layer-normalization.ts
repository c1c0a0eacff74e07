import type { NodeContext } from "../../graph/node-context.ts";
import type { Value } from "../../graph/value.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import type { Expansion } from "../expansion.ts";
import { divideByRms, standardize } from "../normalize.ts";

const domain = "com.microsoft";

/**
 * SkipLayerNormalization and SkipSimplifiedLayerNormalization of ONNX Runtime's optimiser: layer
 * normalization, or division by the root mean square, of input + skip + bias over the last axis.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SkipLayerNormalization
 */
export const microsoftSkipLayerNormalizations: readonly Expansion[] = [
  {
    domain,
    opType: "SkipLayerNormalization",
    expand: (c) => {
      const { add, mul } = arithmetic(c.b);
      const sum = skipped(c, 4);
      const { normalized, mean, inverse } = standardize(c.b, sum, last(sum), epsilon(c));
      const scaled = mul(normalized, c.x(2));
      return [c.hasInput(3) ? add(scaled, c.x(3)) : scaled, mean, inverse, sum];
    },
  },
  {
    domain,
    opType: "SkipSimplifiedLayerNormalization",
    expand: (c) => {
      const sum = skipped(c, 3);
      const { normalized, inverse } = divideByRms(c.b, sum, last(sum), epsilon(c));
      const mean = c.hasOutput(1) ? c.b.reduce("ReduceMean", sum, last(sum)) : undefined;
      return [arithmetic(c.b).mul(normalized, c.x(2)), mean, inverse, sum];
    },
  },
];

const epsilon = (c: NodeContext) => c.float("epsilon", 1e-12);

const last = ({ dims }: Value) => [dims.length - 1];

function skipped(c: NodeContext, bias: number): Value {
  const { add } = arithmetic(c.b);
  const sum = add(c.x(0), c.x(1));
  return c.hasInput(bias) ? add(sum, c.x(bias)) : sum;
}
