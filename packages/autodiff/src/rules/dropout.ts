import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";

/**
 * Dropout (opset 7). At inference: dx = dy. In training mode (opset 12) y = x·mask/(1 − ratio), and dx the
 * same of dy by the node's own mask, so that it fits the very run; dx = dy where the ratio is the constant 0.
 * Refused in training mode without the mask output, and where the mode is computed.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Dropout.html
 */
export const dropout: GradientRule = {
  opType: "Dropout",
  build: (c) => {
    const isTraining = c.hasInput(2) ? c.constant(2)?.[0] : 0;
    if (isTraining === undefined) {
      throw new RuleRefusal("training_mode is computed; export the model for inference");
    }
    const ratio = c.hasInput(1) ? c.constant(1)?.[0] : 0.5;
    if (isTraining === 0 || ratio === 0) {
      return [() => c.dy()];
    }
    if ((c.node.output[1] ?? "") === "") {
      throw new RuleRefusal(
        "training_mode is true and the mask is not an output; name its second output, or export the model for inference",
      );
    }
    return [
      () => {
        const { div, sub, where } = arithmetic(c.b);
        const keep = sub(
          1,
          ratio === undefined ? c.b.cast(c.x(1), c.dy().dtype) : c.b.scalar(ratio, c.dy().dtype),
        );
        return where(c.y(1), div(c.dy(), keep), 0);
      },
    ];
  },
};
