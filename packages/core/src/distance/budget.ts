import type { Value } from "@onnx-asma/autodiff";
import type { StateSpec } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";
import { AsmaError, refusal } from "../errors.ts";
import type { Distance } from "./distance.ts";

/** By how much a norm may exceed its budget through rounding to float32. */
export const tolerance = 1e-4;

/** How fast the radius comes back after rounding has made it smaller. */
const recovery = 1.02;

/** The state that attacks within a budget keep: the radius that they project to. */
export function radiusState(epsilon: number): StateSpec {
  return { like: "number", init: () => epsilon };
}

/**
 * The radius to project to at this step: ε, or less while the image **as seen** lies outside the ball,
 * as rounding to the levels of a file may put it.
 *
 * @returns [N, 1, …]
 */
export function radius(c: StepContext<"radius", "epsilon">, distance: Distance): Value {
  if (c.seen === c.x) {
    return c.n.epsilon;
  }
  const { sub, mul, div, min, where, greater } = c.ops;
  const norm = distance.norm(c.ops, sub(c.seen, c.x0));
  return where(
    greater(norm, mul(c.n.epsilon, 1 + tolerance)),
    div(mul(c.state.radius, c.n.epsilon), norm),
    min(mul(c.state.radius, recovery), c.n.epsilon),
  );
}

/**
 * clip(Π(x_n + α·direction), 0, 1) with the {@link radius} of this step: how attacks within a budget go on.
 *
 * @param direction [N, C, …size]
 * @returns the next iterate, and the radius as the next state
 */
export function stepInBall(
  c: StepContext<"radius", "alpha" | "epsilon">,
  distance: Distance,
  direction: Value,
): { readonly x: Value; readonly radius: Value } {
  const r = radius(c, distance);
  const u = c.ops.add(c.x, c.ops.mul(direction, c.n.alpha));
  return { x: c.box(distance.project(c.ops, u, c.x0, r)), radius: r };
}

/**
 * The budget that an image of a file can use: of the largest change of a value only whole levels.
 *
 * @throws AsmaError `ERR_OPTION` where that is less than one level, or more than all of them
 */
export function usableBudget(
  name: Distance["name"],
  epsilon: number,
  levels: number | undefined,
): number {
  if (name === "linf" && epsilon > 1) {
    throw refusal("ERR_OPTION", {
      expected: "at most 1 for `epsilon`, as image values lie in [0, 1],",
      found: `found ${epsilon}`,
      wayOut: `give ${Number((epsilon / 255).toPrecision(4))} where ${epsilon} of 255 levels is meant`,
      details: { option: "epsilon", epsilon },
    });
  }
  if (name !== "linf" || levels === undefined) {
    return epsilon;
  }
  // A budget that was printed with few digits is the level that was meant.
  const whole = Math.floor(epsilon * (levels - 1) + 0.005);
  if (whole === 0) {
    throw new AsmaError(
      "ERR_OPTION",
      `Expected \`epsilon\` to be at least one level (${(1 / (levels - 1)).toPrecision(3)}) of an image with ${levels} levels but found ${epsilon}: no value of its file could change. Attack the float image instead, \`levels: "float"\`.`,
      { details: { option: "epsilon", epsilon, levels } },
    );
  }
  return whole / (levels - 1);
}
