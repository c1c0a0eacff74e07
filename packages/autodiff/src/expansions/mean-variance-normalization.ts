import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { Expansion } from "./expansion.ts";

/**
 * MeanVarianceNormalization (opset 9): (x − mean) / (√mean((x − mean)²) + 1e-9) over `axes`. The
 * variance is taken of centred values, which the function body's E(x²) − E(x)² equals exactly.
 *
 * @see https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html
 */
export const meanVarianceNormalization: Expansion = {
  opType: "MeanVarianceNormalization",
  expand: (c) => {
    const { b } = c;
    const { add, div, mul, sub } = arithmetic(b);
    const axes = (c.ints("axes") ?? [0, 2, 3]).map((axis) =>
      normalizeAxis(axis, c.x().dims.length),
    );
    const centred = sub(c.x(), b.reduce("ReduceMean", c.x(), axes));
    const variance = b.reduce("ReduceMean", mul(centred, centred), axes);
    return [div(centred, add(b.op("Sqrt", [variance]), 1e-9))];
  },
};
