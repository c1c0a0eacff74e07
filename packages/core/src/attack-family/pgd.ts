import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { radiusState, stepInBall } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { losses } from "../loss/index.ts";
import { constant } from "../schedule/constant.ts";
import {
  ball,
  lossName,
  plainAlpha,
  plainSteps,
  randomStart,
  withinBudget,
} from "./budget-options.ts";

/**
 * Projected gradient descent on the loss of all pixels, inside a ball around the image:
 *
 *     x_{n+1} = clip(Π_ε(x_n + α·d(∇L(x_n))), 0, 1)
 *
 * where d is the steepest direction of the norm: the sign for L∞, the gradient over its length for L2.
 * One step of size ε is FGSM (Goodfellow et al. 2015, arXiv 1412.6572).
 *
 * @see Madry et al. 2018, arXiv 1706.06083, equation 1
 */
export const pgd = defineAttack({
  name: "pgd",
  title: "PGD",
  summary: "The strongest change within a budget, step by step along the gradient.",
  paper: "Madry et al. 2018, arXiv 1706.06083, equation 1",
  options: {
    ...ball,
    alpha: plainAlpha,
    loss: lossName,
    randomStart,
  },
  graph: ["norm", "loss"],
  ...withinBudget,
  presets: () => ({ iterations: 40 }),
  effective: plainSteps,
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: { radius: radiusState(o.epsilon) },
      numbers: ["alpha", "epsilon"],
      start: o.randomStart ? (x0, random) => distance.sample(x0, o.epsilon, random) : undefined,
      step: (c) => {
        const loss = losses[o.loss](c);
        const { x, radius } = stepInBall(c, distance, distance.steepest(c.ops, c.gradientOf(loss)));
        return { x, loss, state: { radius }, logs: { alpha: c.n.alpha } };
      },
      schedule: () => constant({ alpha: o.alpha ?? o.epsilon, epsilon: o.epsilon }),
    });
  },
});
