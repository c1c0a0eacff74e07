import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { largestOther } from "./largest-other.ts";

/** What a pixel is to be won by, in temperatures. */
const aim = 0.3;

/** The temperature: a share of the mean violation, and of the mean margin at least. */
const shares = { violation: 0.1, margin: 0.03 } as const;

/** Margins under weights that let go of nothing: see {@link heldMargins}. */
export interface HeldMargins {
  /** The mean of w·m over the scored pixels, w constant to the gradient. */
  readonly loss: readonly Term[];
  /** float32 [N, 1, …]: T, as it was at the first step. */
  readonly temperature: Value;
  /** float32 [N, 1, …]: the mean of w·(κ − m)₊, what the margins lack. */
  readonly gap: Value;
}

/**
 * The margins m = z_Y − max_{k≠Y} z_k of the scored pixels (its negative where the labels are to be left),
 * each with the weight w = σ((κ − m)/T), κ = 0.3·T: pixels far from their goal pull with all their weight,
 * those that are nearly won or just won are held, those that are won for good let go. Blind to a common shift
 * of a pixel's scores; T makes it blind to their scale.
 *
 * @param last the temperature of the last step, float32 [N, 1, …]; not read at the first
 */
export function heldMargins(c: StepContext, last: Value): HeldMargins {
  const { b, ops, scores, targetOneHot, counted, direction } = c;
  const { add, sub, mul, div, max, abs, sum, where, less, indicator } = ops;
  const own = b.reduce("ReduceSum", mul(scores, targetOneHot), [1]);
  const other = largestOther(b, scores, targetOneHot);
  const margin = direction === 1 ? sub(own, other) : sub(other, own);
  const lacking = mul(counted, indicator(less(margin, 0)));
  const mean = (of: Value, on: Value, over = on) => div(sum(mul(abs(of), on)), max(sum(over), 1));
  const found = max(
    mul(mean(margin, lacking), shares.violation),
    mul(mean(margin, counted), shares.margin),
  );
  const temperature = where(c.isFirst, max(found, 1e-20), last);
  const missing = sub(add(mul(temperature, aim), c.margin), margin);
  const weight = mul(counted, b.op("Sigmoid", [div(missing, temperature)]));
  const share = div(direction, max(c.measured.countedPixels, 1));
  const signed = mul(weight, share);
  return {
    loss: [
      { value: scores, weight: mul(targetOneHot, signed) },
      { value: other, weight: mul(signed, -1) },
    ],
    temperature,
    gap: mean(max(missing, 0), weight, counted),
  };
}
