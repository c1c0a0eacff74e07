import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { violation } from "./violation.ts";

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
  const { b, ops, counted } = c;
  const { add, mul, div, max, abs, sum, where, greater, indicator } = ops;
  const lack = violation(c);
  const lacking = mul(counted, indicator(greater(lack, 0)));
  const mean = (of: Value, on: Value, over = on) => div(sum(mul(of, on)), max(sum(over), 1));
  const found = max(
    mul(mean(lack, lacking), shares.violation),
    mul(mean(abs(lack), counted), shares.margin),
  );
  const temperature = where(c.isFirst, max(found, 1e-20), last);
  const missing = add(lack, add(mul(temperature, aim), c.margin));
  const weight = mul(counted, b.op("Sigmoid", [div(missing, temperature)]));
  return {
    loss: [{ value: lack, weight: mul(weight, div(-1, max(c.measured.countedPixels, 1))) }],
    temperature,
    gap: mean(max(missing, 0), weight, counted),
  };
}
