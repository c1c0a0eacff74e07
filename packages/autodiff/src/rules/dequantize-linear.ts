import type { NodeProto } from "../model/onnx-messages.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleContext, type GradientRule } from "./gradient-rule.ts";
import { alongAxis, checkQuantization } from "./quantization.ts";

/**
 * DequantizeLinear (opset 10; per tensor and per axis), y = s·(q − z) of a q that QuantizeLinear made.
 * The gradient handed to q is that of the float tensor s'·(q − z') with the scale s' and the zero point
 * z' of that QuantizeLinear: dy·s/s', which is dy itself in the usual pair.
 *
 * @see https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 */
export const dequantizeLinear: GradientRule = {
  opType: "DequantizeLinear",
  build: (c) => {
    checkQuantization(c);
    return [
      () => {
        const { b } = c;
        const { div, mul } = arithmetic(b);
        const quantize = b.producer(c.x()) as NodeProto;
        const made = new RuleContext(b, quantize, [], new Set());
        const [ours, theirs] = [c.constant(1), made.constant(1)];
        const isSame =
          c.node.input[1] === quantize.input[1] ||
          (ours !== undefined && theirs !== undefined && String(ours) === String(theirs));
        const dy = b.cast(c.dy(), made.x().dtype);
        if (isSame) {
          return dy;
        }
        const rank = c.x().dims.length;
        const scale = (of: RuleContext) => alongAxis(of, b.cast(of.x(1), dy.dtype), rank);
        return mul(dy, div(scale(c), scale(made)));
      },
    ];
  },
};
