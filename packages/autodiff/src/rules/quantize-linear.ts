import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { alongAxis, rangeOf, checkQuantization } from "./quantization.ts";

/**
 * QuantizeLinear (opset 10; per tensor and per axis), q = saturate(round(x/s) + z), with the
 * straight-through estimator: dx = dy where x/s + z rounds into the range of the integers, else 0, as in
 * PyTorch's fake_quantize. dy is the gradient of the float tensor s·(q − z), since q itself has none
 * (see `dequantize-linear.ts`). A scale that depends on the image is refused.
 *
 * @see https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
 * @see Bengio, Léonard, Courville (2013), arXiv 1308.3432
 */
export const quantizeLinear: GradientRule = {
  opType: "QuantizeLinear",
  build: (c) => {
    checkQuantization(c);
    const [lowest, highest] = rangeOf(c.y().dtype);
    return [
      () => {
        const { b } = c;
        const { less, greater, mul, sub, where } = arithmetic(b);
        const { dtype, dims } = c.x();
        const scale = alongAxis(c, b.cast(c.x(1), dtype), dims.length);
        // The value at which rounding leaves the range.
        const bound = (integer: number) => {
          const edge = b.scalar(integer, dtype);
          const isShifted = c.hasInput(2) && c.constant(2)?.some((z) => z !== 0) !== false;
          const zero = () => alongAxis(c, b.cast(c.x(2), dtype), dims.length);
          return mul(isShifted ? sub(edge, zero()) : edge, scale);
        };
        const isBeyond = b.op("Or", [
          less(c.x(), bound(lowest - 0.5)),
          greater(c.x(), bound(highest + 0.5)),
        ]);
        return where(isBeyond, 0, c.dy());
      },
    ];
  },
};
