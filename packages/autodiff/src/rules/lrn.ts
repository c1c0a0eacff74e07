import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { multiplyAxis, transposed } from "./axis-matrix.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

/**
 * LRN (opset 1), normalization over neighbouring channels: with s = bias + α/size · W x², W the sum over
 * a window of `size` channels, and y = x·s^(−β),
 * dx = dy·s^(−β) − (2αβ/size)·x·Wᵀ(dy·y/s). The sums are products with a constant band matrix.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LRN.html
 */
export const lrn: GradientRule = {
  opType: "LRN",
  build: (c) => [() => gradient(c)],
};

function gradient(c: RuleContext): Value {
  const { b } = c;
  const { add, div, mul, sub } = arithmetic(b);
  const size = c.int("size", 1);
  const [alpha, beta] = [c.float("alpha", 1e-4), c.float("beta", 0.75)];
  const window = channelWindow(c.x().dims[1] as number, size);
  const squares = multiplyAxis(b, mul(c.x(), c.x()), 1, window);
  const s = add(mul(squares, alpha / size), c.float("bias", 1));
  const direct = mul(c.dy(), b.op("Pow", [s, b.scalar(-beta, s.dtype)]));
  const along = multiplyAxis(b, div(mul(c.dy(), c.y()), s), 1, transposed(window));
  return sub(direct, mul(mul(c.x(), along), (2 * alpha * beta) / size));
}

/** Which channels (columns) a channel's window (rows) holds: ⌊(size − 1)/2⌋ before it, the rest after. */
function channelWindow(channels: number, size: number): number[][] {
  const before = Math.floor((size - 1) / 2);
  return Array.from({ length: channels }, (_, i) =>
    Array.from({ length: channels }, (__, j) => (j >= i - before && j < i - before + size ? 1 : 0)),
  );
}
