import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { radiusState, stepInBall, usableBudget } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { losses } from "../loss/index.ts";
import { constant } from "../schedule/constant.ts";
import { momentum } from "../update/momentum.ts";
import { alpha, ball, lossName, withinBudget } from "./budget-options.ts";

/**
 * The iterative fast gradient method with momentum, inside a ball around the image:
 *
 *     m_{n+1} = μ·m_n + ∇L(x_n)/‖∇L(x_n)‖₁
 *     x_{n+1} = clip(Π_ε(x_n + α·d(m_{n+1})), 0, 1)
 *
 * where d is the steepest direction of the norm: the sign for L∞, m over its length for L2.
 *
 * @see Dong et al. 2018, arXiv 1710.06081, algorithm 1
 */
export const miFgsm = defineAttack({
  name: "mi-fgsm",
  title: "MI-FGSM",
  summary: "The strongest change within a budget, along gradients that add up over the steps.",
  paper: "Dong et al. 2018, arXiv 1710.06081, algorithm 1",
  options: {
    ...ball,
    alpha: alpha("epsilon over the number of steps"),
    mu: v.optional(
      v.pipe(v.number(), v.minValue(0), v.finite(), v.description("decay μ of the momentum")),
      1,
    ),
    loss: lossName,
  },
  graph: ["norm", "loss"],
  ...withinBudget,
  presets: () => ({ iterations: 10 }),
  effective: (o, { iterations, levels }) => {
    const epsilon = usableBudget(o.norm, o.epsilon, levels);
    return { ...o, epsilon, alpha: o.alpha ?? epsilon / iterations };
  },
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: { momentum: { like: "image" }, radius: radiusState(o.epsilon) },
      numbers: ["alpha", "epsilon", "mu"],
      step: (c) => {
        const loss = losses[o.loss](c);
        const m = momentum(c.ops, c.gradientOf(loss), c.state.momentum, c.n.mu);
        const { x, radius } = stepInBall(c, distance, distance.steepest(c.ops, m));
        return { x, loss, state: { momentum: m, radius }, logs: { alpha: c.n.alpha } };
      },
      schedule: () => constant({ alpha: o.alpha ?? o.epsilon, epsilon: o.epsilon, mu: o.mu }),
    });
  },
});
