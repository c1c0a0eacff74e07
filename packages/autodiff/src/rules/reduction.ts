import { normalizeAxis, type Value } from "../graph/value.ts";
import { arithmetic, type Arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/** What the rule of a reduction sees: y and dy with the reduced axes kept as ones. */
export interface Reduction extends Arithmetic {
  readonly c: RuleContext;
  readonly axes: readonly number[];
  readonly x: Value;
  readonly y: () => Value;
  readonly dy: Value;
}

/**
 * The rule of a reduction (axes as attribute or as input, `keepdims`, `noop_with_empty_axes`): `dx`
 * may have the dims of y with ones kept; it is expanded to the dims of x.
 */
export function reduction(opType: string, dx: (reduction: Reduction) => Value): GradientRule {
  return {
    opType,
    build: (c) => {
      const axes = axesOf(c);
      return [
        () => {
          const x = c.x();
          const kept = x.dims.map((d, i) => (axes.includes(i) ? 1 : d));
          const dy = c.b.reshape(c.dy(), kept);
          const y = () => c.b.reshape(c.y(), kept);
          return c.b.expand(dx({ ...arithmetic(c.b), c, axes, x, y, dy }), x.dims);
        },
      ];
    },
  };
}

/** The reduced axes, counted from the front. */
function axesOf(c: RuleContext): number[] {
  const rank = c.x().dims.length;
  const given = c.ints("axes") ?? (c.hasInput(1) ? c.constant(1) : []);
  if (given === undefined) {
    throw new RuleRefusal("axes are computed; they have to be constants");
  }
  if (given.length > 0) {
    return given.map((axis) => normalizeAxis(axis, rank));
  }
  return c.int("noop_with_empty_axes", 0) === 1 ? [] : Array.from({ length: rank }, (_, i) => i);
}
