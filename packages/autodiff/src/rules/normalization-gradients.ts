import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { RuleContext } from "./gradient-rule.ts";

/**
 * The gradient of x̂ = (x − μ)/√(var + ε), statistics over `axes`:
 * dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(var + ε).
 *
 * @param g upstream gradient of x̂, with the dims of x
 */
export function normalizationGradients(
  c: RuleContext,
  axes: readonly number[],
  g: Value,
): { readonly dx: Value; readonly normalized: Value; readonly deviation: Value } {
  const { b } = c;
  const { add, div, mul, sub } = arithmetic(b);
  const mean = (value: Value) => b.reduce("ReduceMean", value, axes);
  const centred = sub(c.x(), mean(c.x()));
  const deviation = b.op("Sqrt", [add(mean(mul(centred, centred)), c.float("epsilon", 1e-5))]);
  const normalized = div(centred, deviation);
  const along = mul(normalized, mean(mul(g, normalized)));
  return { dx: div(sub(sub(g, mean(g)), along), deviation), normalized, deviation };
}
