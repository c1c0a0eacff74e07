import type { Value } from "@onnx-asma/autodiff";
import type { StepContext } from "../attack/step-context.ts";
import { far } from "../attack/limits.ts";
import { violation } from "./violation.ts";

/** Keeps the quotient finite where all scores are equal. */
const least = 1e-8;

/**
 * The violation of each pixel over the spread of its largest scores, which no scaling of the scores changes:
 *
 *     (m + tolerance)/(z₍₁₎ − (z₍₃₎ + z₍₄₎)/2)    towards the labels, of four classes or more
 *     (m + tolerance)/(z₍₁₎ − z₍₃₎)               away from them, of three or more
 *     m + tolerance                               otherwise
 *
 * Of equal scores one is counted. A gradient flows through both parts of it.
 *
 * @param tolerance in scores: what a pixel has to be as wanted by
 * @returns float32 [N, 1, …grid]
 * @see Croce and Hein 2020, arXiv 2003.01690, equations 6 and 7
 */
export function marginRatio(c: StepContext, tolerance: number): Value {
  const { add, sub, mul, div } = c.ops;
  const m = add(violation(c), tolerance);
  const classes = c.scores.dims[1] as number;
  if (classes < (c.direction === 1 ? 4 : 3)) {
    return m;
  }
  const [first, , third, fourth] = largest(c, c.direction === 1 ? 4 : 3);
  const low = fourth === undefined ? third : mul(add(third as Value, fourth), 0.5);
  return div(m, add(sub(first as Value, low as Value), least));
}

/** The largest scores of each pixel in falling order, [N, 1, …grid] each; a ReduceMax for each rank. */
function largest({ b, ops, scores }: StepContext, count: number): Value[] {
  const found: Value[] = [];
  let rest = scores;
  for (let rank = 0; rank < count; rank++) {
    const next = b.reduce("ReduceMax", rest, [1]);
    found.push(next);
    // Less than the last one, and so at most as large as it.
    const taken = ops.sub(1, ops.indicator(ops.less(rest, next)));
    rest = ops.sub(rest, ops.mul(taken, far));
  }
  return found;
}
