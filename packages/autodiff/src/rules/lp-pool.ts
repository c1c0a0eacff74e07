import type { Value } from "../graph/value.ts";
import { timesSign } from "./abs.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import { spatialWindows } from "./spatial-window.ts";
import { spreadOverWindows } from "./spread-over-windows.ts";

/**
 * LpPool (opset 2; any rank, overlap, pads, dilation, ceil_mode, auto_pad; p ≥ 1): with
 * y = (Σ|x|ᵖ)^(1/p), dx = sign(x)·|x|^(p−1) times the sum of dy·y^(1−p) over the windows that hold x; 0
 * from windows where y = 0, and 0 at x = 0 where p = 1 (as the norms of PyTorch).
 *
 * @see https://onnx.ai/onnx/operators/onnx__LpPool.html
 */
export const lpPool: GradientRule = {
  opType: "LpPool",
  build: (c) => {
    const p = powerOf(c);
    return [
      () => {
        const windows = spatialWindows(c, c.ints("kernel_shape") as number[]);
        return timesPower(c, spreadOverWindows(c.b, perNorm(c, p), windows), p);
      },
    ];
  },
};

/**
 * GlobalLpPool (opset 2; p ≥ 1): as {@link lpPool} with all pixels as the window.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html
 */
export const globalLpPool: GradientRule = {
  opType: "GlobalLpPool",
  build: (c) => {
    const p = powerOf(c);
    return [() => timesPower(c, c.b.expand(perNorm(c, p), c.x().dims), p)];
  },
};

function powerOf(c: RuleContext): number {
  const p = c.int("p", 2);
  if (p < 1) {
    throw new RuleRefusal(`p is ${p}; the norm has a gradient for p of 1 or more`);
  }
  return p;
}

/** dy·y^(1−p), and 0 where y = 0. */
function perNorm(c: RuleContext, p: number): Value {
  if (p === 1) {
    return c.dy();
  }
  const { div, equal, where } = arithmetic(c.b);
  const isZero = equal(c.y(), 0);
  // 1 where y = 0 keeps infinity out of the branch that is not taken.
  return where(isZero, 0, div(c.dy(), power(c, where(isZero, 1, c.y()), p - 1)));
}

/** g·sign(x)·|x|^(p−1). */
function timesPower(c: RuleContext, g: Value, p: number): Value {
  const { mul } = arithmetic(c.b);
  if (p === 2) {
    return mul(g, c.x());
  }
  const signed = timesSign(arithmetic(c.b), g, c.x());
  return p === 1 ? signed : mul(signed, power(c, c.b.op("Abs", [c.x()]), p - 1));
}

function power(c: RuleContext, base: Value, exponent: number): Value {
  return exponent === 1 ? base : c.b.op("Pow", [base, c.b.scalar(exponent, base.dtype)]);
}
