import type { Value } from "../graph/value.ts";
import { arithmetic, type Arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

/** The rule of a function of one tensor that maps every element by itself: `dx` from x, y and dy. */
export function elementwise(
  opType: string,
  dx: (context: RuleContext, arithmetic: Arithmetic) => Value,
): GradientRule {
  return { opType, build: (c) => [() => dx(c, arithmetic(c.b))] };
}
