import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Value } from "../../graph/value.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import type { Expansion } from "../expansion.ts";

const domain = "com.microsoft";

/**
 * Gelu, BiasGelu, FastGelu and QuickGelu of ONNX Runtime: x·Φ(x), the same of x + bias, its
 * approximation by tanh, and x·sigmoid(αx).
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
export const microsoftGelus: readonly Expansion[] = [
  { domain, opType: "Gelu", expand: (c) => [gelu(c.b, c.x())] },
  {
    domain,
    opType: "BiasGelu",
    expand: (c) => [gelu(c.b, arithmetic(c.b).add(c.x(), c.x(1)))],
  },
  {
    domain,
    opType: "FastGelu",
    expand: (c) => [tanhGelu(c.b, c.hasInput(1) ? arithmetic(c.b).add(c.x(), c.x(1)) : c.x())],
  },
  {
    domain,
    opType: "QuickGelu",
    expand: (c) => {
      const { mul } = arithmetic(c.b);
      return [mul(c.x(), c.b.op("Sigmoid", [mul(c.x(), c.float("alpha", 1.702))]))];
    },
  },
];

function gelu(b: GraphBuilder, x: Value): Value {
  const { add, mul } = arithmetic(b);
  return mul(x, mul(add(b.op("Erf", [mul(x, Math.SQRT1_2)]), 1), 0.5));
}

function tanhGelu(b: GraphBuilder, x: Value): Value {
  const { add, mul } = arithmetic(b);
  const scale = Math.sqrt(2 / Math.PI);
  const inner = mul(x, add(mul(mul(x, x), 0.044715 * scale), scale));
  return mul(x, mul(add(b.op("Tanh", [inner]), 1), 0.5));
}
