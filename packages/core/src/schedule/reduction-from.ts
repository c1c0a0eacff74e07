import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";

/**
 * A step size that falls from the first success on, at the latest from half of the T steps on:
 *
 *     λ_n = λ·t/(max(n − found, 0) + t),   t = ratio·max(T − found, 1)
 *
 * so that it ends at ratio/(1 + ratio) of λ. What the untouched model refuses was not found.
 *
 * @param found [N, 1, …]: the step of the first success; ⌊T/2⌋ without one
 * @param told [N, 1, …] each: n, T as `total`, λ as `rate`, and `ratio`
 */
export function reductionFrom(
  c: StepContext,
  found: Value,
  told: Readonly<Record<"n" | "total" | "rate" | "ratio", Value>>,
): { readonly found: Value; readonly step: Value } {
  const { add, sub, mul, div, min, max, where } = c.ops;
  const half = c.b.op("Floor", [mul(told.total, 0.5)]);
  const before = where(c.isRejected, half, found);
  // One that was found before half of the steps stays.
  const first = where(c.reached, min(before, told.n), before);
  const t = mul(max(sub(told.total, first), 1), told.ratio);
  const step = mul(told.rate, div(t, max(add(max(sub(told.n, first), 0), t), 1e-8)));
  return { found: first, step };
}
