import type { Value } from "../graph/value.ts";
import { arithmetic, type Arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * Gelu (opset 20): dx = dy·(Φ(x) + x·φ(x)) with the normal distribution Φ and its density φ; with
 * `approximate = "tanh"` Φ = (1 + t)/2 and φ = (1 − t²)/2·u' for t = tanh(u), u = √(2/π)·(x + 0.044715·x³).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Gelu.html
 */
export const gelu: GradientRule = {
  opType: "Gelu",
  build: (c) => {
    const approximate = c.string("approximate", "none");
    if (approximate !== "none" && approximate !== "tanh") {
      throw new RuleRefusal(`approximate is '${approximate}', not 'none' or 'tanh'`);
    }
    return [
      () => {
        const a = arithmetic(c.b);
        const { cumulative, density } = approximate === "none" ? normal(c, a) : tanhNormal(c, a);
        return a.mul(c.dy(), a.add(cumulative, a.mul(c.x(), density)));
      },
    ];
  },
};

interface Distribution {
  readonly cumulative: Value;
  readonly density: Value;
}

function normal(c: RuleContext, { add, mul }: Arithmetic): Distribution {
  const x = c.x();
  return {
    cumulative: mul(add(c.b.op("Erf", [mul(x, Math.SQRT1_2)]), 1), 0.5),
    density: mul(c.b.op("Exp", [mul(mul(x, x), -0.5)]), 1 / Math.sqrt(2 * Math.PI)),
  };
}

function tanhNormal(c: RuleContext, { add, mul, sub }: Arithmetic): Distribution {
  const x = c.x();
  const scale = Math.sqrt(2 / Math.PI);
  const square = mul(x, x);
  const t = c.b.op("Tanh", [mul(x, add(mul(square, 0.044715 * scale), scale))]);
  const slope = add(mul(square, 3 * 0.044715 * scale), scale);
  return {
    cumulative: mul(add(t, 1), 0.5),
    density: mul(mul(sub(1, mul(t, t)), 0.5), slope),
  };
}
