import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * DFT (opset 17; axis as input from 20) of length N: dx = N times the inverse transform of dy, or for the
 * inverse one the transform of dy over N; the missing half of a one-sided dy is zero. Cut or padded to the
 * length of x, and the real part where x is real. Refused for one-sided inverse transforms.
 *
 * @see https://onnx.ai/onnx/operators/onnx__DFT.html
 */
export const dft: GradientRule = {
  opType: "DFT",
  build: (c) => {
    const { dims } = c.x();
    const rank = dims.length;
    const axis = normalizeAxis(axisOf(c), rank);
    const isInverse = c.int("inverse", 0) === 1;
    const isOneSided = c.int("onesided", 0) === 1;
    if (isInverse && isOneSided) {
      throw new RuleRefusal("one-sided inverse transforms are not differentiated");
    }
    const given = c.hasInput(1) ? c.constant(1) : [dims[axis] as number];
    if (given === undefined) {
      throw new RuleRefusal("dft_length is computed; it has to be a constant");
    }
    const length = given[0] as number;
    return [
      () => {
        const { b } = c;
        const { div, mul } = arithmetic(b);
        /** Zeros added or elements cut at the end of an axis. */
        const resize = (value: ReturnType<typeof c.x>, at: number, size: number) => {
          const pads = Array.from({ length: 2 * rank }, () => 0);
          pads[rank + at] = size - (value.dims[at] as number);
          return b.pad(value, pads);
        };
        const dy = resize(c.dy(), axis, length);
        const transformed = b.dft(dy, axis, !isInverse);
        const dx = isInverse ? div(transformed, length) : mul(transformed, length);
        return resize(resize(dx, axis, dims[axis] as number), rank - 1, dims.at(-1) as number);
      },
    ];
  },
};

function axisOf(c: RuleContext): number {
  if (c.opset < 20) {
    return c.int("axis", 1);
  }
  const axis = c.hasInput(2) ? c.constant(2) : [-2];
  if (axis === undefined) {
    throw new RuleRefusal("its axis is computed; it has to be a constant");
  }
  return axis[0] as number;
}
