import { differentiate } from "@onnx-asma/autodiff";

/** Relu that passes positive gradients only (Springenberg et al. 2015). */
const guidedRelu = {
  opType: "Relu",
  build: (c) => [
    () => {
      const zero = c.b.scalar(0, c.y().dtype);
      return c.b.op("Where", [c.b.op("Greater", [c.y(), zero]), c.b.op("Relu", [c.dy()]), zero]);
    },
  ],
};

/** The training graph of a resolved model, with guided backpropagation in place of its gradient. */
export function guidedBackpropagation(resolved) {
  return differentiate(resolved, { rules: [guidedRelu] });
}
