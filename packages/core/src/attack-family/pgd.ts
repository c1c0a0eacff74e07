import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { alpha, ball, lossName } from "./shared-options.ts";
import { radius, radiusState, usableBudget } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { losses } from "../loss/index.ts";
import { constant } from "../schedule/constant.ts";

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
    alpha: alpha("2.5·epsilon over the number of steps, at most epsilon"),
    loss: lossName,
    randomStart: v.optional(
      v.pipe(v.boolean(), v.description("begin at a random point of the ball")),
      false,
    ),
  },
  graph: ["norm", "loss"],
  canLeave: true,
  keeps: () => "strongest",
  norm: (o) => o.norm,
  budget: (o) => o.epsilon,
  presets: () => ({ iterations: 40 }),
  effective: (o, { iterations, levels }) => {
    const epsilon = usableBudget(o.norm, o.epsilon, levels);
    return { ...o, epsilon, alpha: o.alpha ?? Math.min(1, 2.5 / iterations) * epsilon };
  },
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: { radius: radiusState(o.epsilon) },
      numbers: ["alpha", "epsilon"],
      start: o.randomStart ? (x0, random) => distance.sample(x0, o.epsilon, random) : undefined,
      step: (c) => {
        const { add, mul } = c.ops;
        const loss = losses[o.loss](c);
        const r = radius(c, distance);
        const u = add(c.x, mul(distance.steepest(c.ops, c.gradientOf(loss)), c.n.alpha));
        const x = c.box(distance.project(c.ops, u, c.x0, r));
        return { x, loss, state: { radius: r }, logs: { alpha: c.n.alpha } };
      },
      schedule: () => constant({ alpha: o.alpha ?? o.epsilon, epsilon: o.epsilon }),
    });
  },
});
