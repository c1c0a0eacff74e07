import type { Value } from "@onnx-asma/autodiff";
import { defineAttack } from "../attack/attack-definition.ts";
import type { Operators } from "../attack/operators.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { far, tiny } from "../attack/limits.ts";
import { distances, type DistanceName } from "../distance/index.ts";
import { heldMargins } from "../loss/held-margins.ts";
import { constant } from "../schedule/constant.ts";
import { smallNorm } from "./minimal-options.ts";

/**
 * Directions of norm 1 at most. For L∞ the steepest one moves every value by all there is, also where the
 * gradient is next to nothing: values whose gradient is below the mean move by less.
 */
const directions: Record<DistanceName, (ops: Operators, gradient: Value) => Value> = {
  l2: distances.l2.steepest,
  linf: ({ abs, clip, div, max, sum }, gradient) => {
    const values = gradient.dims.slice(1).reduce((n, d) => n * d, 1);
    return clip(div(gradient, max(div(sum(abs(gradient)), values), tiny)), -1, 1);
  },
};

/**
 * After the untouched model refused what seemed to be reached, nothing counts below that size and this share
 * more; the share doubles each time, from here.
 */
const firstRaise = 0.005;

/** Until the labels are drawn: how the ball grows, and how long the steps are. */
const search = {
  /** The first radius, of the distance to go; and how much of that distance it grows by, at most itself. */
  first: 0.3,
  growth: 0.5,
  leastGrowth: 0.01,
  /** Longest step, of the radius and of the distance to go; shortest, of the radius. */
  step: 0.4,
  polyak: 1.5,
  leastStep: 0.1,
  momentum: 0.8,
} as const;

/** Steps become shorter while the distance to go is above its own average over the last steps. */
const damping = { memory: 0.8, onWorse: 0.9, onBetter: 1.02, least: 0.05 } as const;

/** After the first success: the share by which the ball lies below the closest one, and the steps in it. */
const shrink = {
  first: 0.05,
  most: 0.15,
  least: 5e-4,
  onSuccess: 1.3,
  onFailure: 0.8,
  step: 0.8,
  longest: 0.3,
  momentum: 0.9,
} as const;

/**
 * The smallest change with which the labels are drawn: a ball around the image that grows until they are,
 * and then shrinks. With m the margins, w and κ their weights and aim (`loss/held-margins.ts`), and g the
 * gradient of the mean of w·m over N pixels:
 *
 *     d      = (1/N)·Σ w·(κ − m)₊ / ‖g‖*              what is left to go, by first order
 *     v      ← the mean of e(g) over the last steps, μ = 0.8 (0.9 after a success)
 *     search : ε ← ε + max(min(ε, d)/2, ε/100);  steps of q·max(min(0.4·ε, 1.5·d), 0.1·ε)
 *     shrink : ε ← (1 − s)·‖closest‖,  s ← 1.3·s after a success, 0.8·s after a failure;
 *              steps of min(0.3, 0.8·√s)·ε
 *     x      ← clip(Π_ε(x + step·v), 0, 1)
 *
 * e(g) is g/‖g‖₂, for L∞ g over the mean of |g| clipped to ±1. The mean of directions is not made long again: where they
 * contradict each other the steps become short by themselves. q does the same for the distance: 0.9 times as
 * much when d is above its own mean, 1.02 times when it is not. So straight ways are taken in a few steps and
 * crooked ones with a ball that hardly grows.
 */
export const asmaPlus = defineAttack({
  name: "asma+",
  title: "ASMA+",
  summary:
    "The smallest change that draws the target: a ball that grows until it does, then shrinks.",
  paper:
    "this project; the margins of Carlini and Wagner 2017, arXiv 1608.04644, the step of Polyak 1969",
  options: {
    norm: smallNorm,
  },
  graph: ["norm"],
  canLeave: true,
  keeps: () => "closest",
  norm: (o) => o.norm,
  presets: () => ({ iterations: 100, earlyStop: false }),
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: {
        direction: { like: "image" },
        trust: { like: "number" },
        epsilon: { like: "number" },
        closest: { like: "number", init: () => far },
        share: { like: "number", init: () => shrink.first },
        temperature: { like: "number" },
        usual: { like: "number" },
        damp: { like: "number", init: () => 1 },
        size: { like: "number" },
        floor: { like: "number" },
        raise: { like: "number", init: () => firstRaise },
      },
      numbers: [],
      step: (c) => {
        const { add, sub, mul, div, min, max, sqrt, where, less, greater, indicator } = c.ops;
        const { state, isFirst } = c;
        const { loss, temperature, gap } = heldMargins(c, state.temperature);
        const gradient = c.gradientOf(loss);
        const toGo = div(gap, max(distance.dual(c.ops, gradient), tiny));

        const size = distance.norm(c.ops, sub(c.x, c.x0));
        const raise = where(c.isRejected, mul(state.raise, 2), state.raise);
        const floor = where(c.isRejected, mul(state.size, add(raise, 1)), state.floor);
        const known = where(c.isRejected, far, state.closest);
        const isShrinking = less(known, far / 2);
        const counts = mul(indicator(c.reached), sub(1, indicator(less(size, floor))));
        const reached = greater(counts, 0.5);
        const closest = where(reached, min(known, size), known);
        const found = less(closest, far / 2);
        const changed = where(
          reached,
          min(mul(state.share, shrink.onSuccess), shrink.most),
          max(mul(state.share, shrink.onFailure), shrink.least),
        );
        const share = where(isShrinking, changed, shrink.first);

        const damped = where(
          greater(toGo, state.usual),
          max(mul(state.damp, damping.onWorse), damping.least),
          min(mul(state.damp, damping.onBetter), 1),
        );
        const damp = where(isFirst, 1, damped);
        const usual = add(mul(state.usual, damping.memory), mul(toGo, 1 - damping.memory));

        const growth = max(
          mul(min(state.epsilon, toGo), search.growth),
          mul(state.epsilon, search.leastGrowth),
        );
        const searched = where(isFirst, mul(toGo, search.first), add(state.epsilon, growth));
        const epsilon = where(found, mul(closest, sub(1, share)), searched);
        const searchStep = max(
          min(mul(epsilon, search.step), mul(toGo, search.polyak)),
          mul(epsilon, search.leastStep),
        );
        const shrinkStep = mul(epsilon, min(mul(sqrt(share), shrink.step), shrink.longest));
        const length = where(found, shrinkStep, mul(searchStep, damp));

        const mu = where(found, shrink.momentum, search.momentum);
        const blend = (last: Value, now: Value | number) =>
          add(mul(last, mu), mul(now, sub(1, mu)));
        const direction = blend(state.direction, directions[o.norm](c.ops, gradient));
        const trust = blend(state.trust, 1);
        const u = add(c.x, mul(direction, div(length, trust)));
        return {
          x: c.box(distance.project(c.ops, u, c.x0, epsilon)),
          loss,
          state: {
            direction,
            trust,
            epsilon,
            closest,
            share,
            temperature,
            usual: where(isFirst, toGo, usual),
            damp,
            size,
            floor,
            raise,
          },
          logs: { epsilon, toGo },
        };
      },
      schedule: () => constant({}),
    });
  },
});
