import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";

/** Largest matrix whose minors are written out: n² matrices of (n − 1)² elements. */
const largest = 16;

/**
 * Det (opset 11): dxᵢⱼ = dy·(−1)^(i+j)·det of x without row i and column j, singular matrices included.
 * Refused for matrices larger than 16 × 16.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Det.html
 */
export const det: GradientRule = {
  opType: "Det",
  build: (c) => {
    const { dims } = c.x();
    const batch = dims.slice(0, -2);
    const n = dims.at(-1) as number;
    if (n > largest) {
      throw new RuleRefusal(`matrices of ${n} × ${n} are larger than ${largest} × ${largest}`);
    }
    return [
      () => {
        const { b } = c;
        const { mul } = arithmetic(b);
        const dy = b.reshape(c.dy(), [...batch, 1, 1]);
        if (n === 1) {
          return b.reshape(dy, dims);
        }
        const all = Array.from({ length: n }, (_, i) => i);
        const pairs = all.flatMap((i) => all.map((j) => [i, j] as const));
        const places = pairs.flatMap(([i, j]) =>
          pairs.flatMap(([row, column]) => (row === i || column === j ? [] : [row * n + column])),
        );
        const signs = pairs.map(([i, j]) => ((i + j) % 2 === 0 ? 1 : -1));
        const minors = b.op(
          "Gather",
          [b.reshape(c.x(), [...batch, n * n]), b.constant("int64", [n, n, n - 1, n - 1], places)],
          { axis: batch.length },
        );
        return mul(mul(b.op("Det", [minors]), b.constant(dy.dtype, [n, n], signs)), dy);
      },
    ];
  },
};
