import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { radiusState, stepInBall } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { pixelCrossEntropy } from "../loss/pixel-cross-entropy.ts";
import { ball, plainAlpha, plainSteps, randomStart, withinBudget } from "./budget-options.ts";

/**
 * Projected gradient descent on a cross-entropy whose weight goes over, in the course of the steps, from the
 * pixels that are not there yet to those that are:
 *
 *     L_t     = (1/N)·Σ_i w_i·CE_i,   w_i = 1 − λ_t where pixel i is not as wanted, λ_t where it is
 *     λ_t     = (t − 1)/(2T),   t = 1 … T
 *     x_{n+1} = clip(Π_ε(x_n + α·d(∇L(x_n))), 0, 1)
 *
 * @see Gu, Zhao, Tresp, Torr 2022, arXiv 2207.12391, equations 4 to 6
 */
export const segPgd = defineAttack({
  name: "seg-pgd",
  title: "SegPGD",
  summary: "PGD that looks at the pixels still missing first, and more and more at those won.",
  paper: "Gu, Zhao, Tresp, Torr 2022, arXiv 2207.12391, equations 4 to 6",
  options: {
    ...ball,
    alpha: plainAlpha,
    randomStart,
  },
  graph: ["norm"],
  ...withinBudget,
  presets: () => ({ iterations: 40 }),
  effective: plainSteps,
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: { radius: radiusState(o.epsilon) },
      numbers: ["alpha", "epsilon", "lambda"],
      start: o.randomStart ? (x0, random) => distance.sample(x0, o.epsilon, random) : undefined,
      step: (c) => {
        const { add, sub, mul, div, max } = c.ops;
        const { lambda } = c.n;
        const won = mul(sub(c.counted, c.wrong), lambda);
        const weight = add(mul(c.wrong, sub(1, lambda)), won);
        const loss = pixelCrossEntropy(c, div(weight, max(c.measured.countedPixels, 1)));
        const { x, radius } = stepInBall(c, distance, distance.steepest(c.ops, c.gradientOf(loss)));
        return { x, loss, state: { radius }, logs: { alpha: c.n.alpha, lambda } };
      },
      schedule: ({ iterations }) => ({
        next: (n) => ({
          alpha: o.alpha ?? o.epsilon,
          epsilon: o.epsilon,
          lambda: n / (2 * iterations),
        }),
      }),
    });
  },
});
