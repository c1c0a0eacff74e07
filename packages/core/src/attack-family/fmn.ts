import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { far, tiny } from "../attack/limits.ts";
import { farthest } from "../distance/farthest.ts";
import { distances } from "../distance/index.ts";
import { l2 } from "../distance/l2.ts";
import { sumOf } from "../loss/sum-of.ts";
import { margin } from "../loss/margin.ts";
import { cosine } from "../schedule/cosine.ts";
import { positive, share, smallNorm } from "./minimal-options.ts";

/**
 * The fast minimum-norm attack: a ball that shrinks where the goal is reached and grows where it is not,
 * and steps along the gradient that are projected to it. With δ = x_n − x_0:
 *
 *     L       = (1/N)·Σ_i min(margin_i, 0), ascended: the pixels that are not as wanted yet
 *     ε_n     = min((1 − γ_n)·ε_{n−1}, ‖δ*‖_p)    where x_n reaches the goal; δ* is the smallest that did
 *               (1 + γ_n)·ε_{n−1}                 where another did before
 *               ‖δ‖_p + (1 + γ_n)·|L|/‖∇L‖_q      otherwise: as far as it is by first order, 1/p + 1/q = 1
 *     x_{n+1} = clip(Π_{ε_n}(x_n + α_n·∇L/‖∇L‖₂), 0, 1)
 *
 * α and γ fall along half a cosine over the number of steps: what it finds depends on how many there are.
 * The paper's loss is the margin of one label; here it is that of the pixels, as far as they lack it. The
 * paper has no 1 + γ_n in the last line: where scores are linear, that would only ever touch the border.
 *
 * @see Pintor, Roli, Brendel, Biggio 2021, arXiv 2102.12827, algorithm 1
 */
export const fmn = defineAttack({
  name: "fmn",
  title: "FMN",
  summary:
    "The smallest change, in a ball that shrinks where the goal is reached and grows otherwise.",
  paper: "Pintor, Roli, Brendel, Biggio 2021, arXiv 2102.12827, algorithm 1",
  options: {
    norm: smallNorm,
    gamma: v.optional(share("first factor γ by which the ball changes"), 0.05),
    gammaEnd: v.optional(share("last factor γ"), 0.001),
    stepLength: v.optional(
      positive("Euclidean length α of the first step (default: 1 in l2, 10 in linf)"),
    ),
    stepLengthEnd: v.optional(
      positive("Euclidean length α of the last step (default: a hundredth of the first)"),
    ),
  },
  graph: ["norm"],
  canLeave: true,
  keeps: () => "closest",
  norm: (o) => o.norm,
  presets: () => ({ iterations: 100, earlyStop: false }),
  effective: (o) => {
    const stepLength = o.stepLength ?? (o.norm === "l2" ? 1 : 10);
    return { ...o, stepLength, stepLengthEnd: o.stepLengthEnd ?? stepLength / 100 };
  },
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: {
        epsilon: { like: "number", init: () => far },
        best: { like: "number", init: () => far },
      },
      numbers: ["alpha", "gamma"],
      step: (c) => {
        const { add, sub, mul, div, max, min, less, where } = c.ops;
        const { alpha, gamma } = c.n;
        const loss = margin(c);
        const gradient = c.gradientOf(loss);
        const size = distance.norm(c.ops, sub(c.x, c.x0));
        const toGo = div(mul(sumOf(c.ops, loss), -1), max(distance.dual(c.ops, gradient), tiny));
        // What the untouched model refuses was not found.
        const before = where(c.isRejected, far, c.state.best);
        const best = where(c.reached, min(before, size), before);
        const smaller = min(mul(c.state.epsilon, sub(1, gamma)), best);
        const larger = mul(c.state.epsilon, add(gamma, 1));
        const wanted = where(less(best, far), larger, add(size, mul(toGo, add(gamma, 1))));
        const epsilon = min(where(c.reached, smaller, wanted), farthest(c.ops, distance, c.x0));
        const u = add(c.x, mul(l2.steepest(c.ops, gradient), alpha));
        return {
          x: c.box(distance.project(c.ops, u, c.x0, epsilon)),
          loss,
          state: { epsilon, best },
          logs: { epsilon, alpha },
        };
      },
      schedule: ({ iterations }) => ({
        next: (n) => ({
          alpha: cosine(o.stepLength as number, o.stepLengthEnd as number, n, iterations),
          gamma: cosine(o.gamma, o.gammaEnd, n, iterations),
        }),
      }),
    });
  },
});
