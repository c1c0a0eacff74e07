import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { tiny } from "../attack/limits.ts";
import { farthest } from "../distance/farthest.ts";
import { l2 } from "../distance/l2.ts";
import { lossName } from "./budget-options.ts";
import { losses } from "../loss/index.ts";
import { cosine } from "../schedule/cosine.ts";
import { positive, share } from "./minimal-options.ts";

/**
 * Decoupled direction and norm: the gradient says whereto, and whether the goal is reached says how far.
 *
 *     δ'      = x_n − x_0 + α_n·∇L/‖∇L‖₂        L the mean cross-entropy (or margin), ascended
 *     ε_{n+1} = (1 − γ)·ε_n where x_n reaches the goal, (1 + γ)·ε_n otherwise
 *     x_{n+1} = clip(x_0 + ε_{n+1}·δ'/‖δ'‖₂, 0, 1)
 *
 * α falls from 1 to 0.01 along half a cosine over the number of steps. The authors round each iterate to
 * the levels of a file; here the model is shown it rounded, and x_n itself is kept. Cross-entropy keeps
 * pushing pixels that are won, and so needs more than the smallest change; the margin of those missing does not.
 *
 * @see Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger 2019, arXiv 1811.09600, algorithm 1
 */
export const ddn = defineAttack({
  name: "ddn",
  title: "DDN",
  summary: "The smallest Euclidean change: cross-entropy gives its direction, success its length.",
  paper: "Rony et al. 2019, arXiv 1811.09600, algorithm 1",
  options: {
    gamma: v.optional(share("factor γ by which the length changes"), 0.05),
    firstNorm: v.optional(positive("Euclidean length ε of the first change"), 1),
    loss: lossName,
    stepLength: v.optional(positive("Euclidean length α of the first step"), 1),
    stepLengthEnd: v.optional(positive("Euclidean length α of the last step"), 0.01),
  },
  graph: ["loss"],
  canLeave: true,
  keeps: () => "closest",
  norm: () => "l2",
  presets: () => ({ iterations: 100, earlyStop: false }),
  recipe: (o) =>
    defineRecipe({
      state: { epsilon: { like: "number", init: () => o.firstNorm } },
      numbers: ["alpha", "gamma"],
      step: (c) => {
        const { add, sub, mul, div, max, min, where } = c.ops;
        const { alpha, gamma } = c.n;
        const loss = losses[o.loss](c);
        const direction = l2.steepest(c.ops, c.gradientOf(loss));
        const delta = add(sub(c.x, c.x0), mul(direction, alpha));
        const factor = where(c.reached, sub(1, gamma), add(gamma, 1));
        const epsilon = min(mul(c.state.epsilon, factor), farthest(c.ops, l2, c.x0));
        const scaled = mul(delta, div(epsilon, max(l2.norm(c.ops, delta), tiny)));
        return {
          x: c.box(add(c.x0, scaled)),
          loss,
          state: { epsilon },
          logs: { epsilon, alpha },
        };
      },
      schedule: ({ iterations }) => ({
        next: (n) => ({
          alpha: cosine(o.stepLength, o.stepLengthEnd, n, iterations),
          gamma: o.gamma,
        }),
      }),
    }),
});
