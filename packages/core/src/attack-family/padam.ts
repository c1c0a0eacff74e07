import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { radiusState, stepInBall, usableBudget } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { cosine } from "../loss/cosine.ts";
import { crossEntropy } from "../loss/cross-entropy.ts";
import { amsgrad, amsgradState } from "../update/amsgrad.ts";
import { momentBias } from "../update/moments.ts";
import { alpha, ball, randomStart, withinBudget } from "./budget-options.ts";

/**
 * Projected Adam, inside a ball around the image:
 *
 *     x_{n+1} = clip(Π_ε(x_n + α·A(∇L(x_n))), 0, 1)
 *
 * where A is the direction of AMSGrad (see `update/amsgrad.ts`), and L the cross-entropy (PAdam-CE) or the
 * cosine distance of scores and labels (PAdam-Cos). The authors begin at a random point, with α = 2/255 for
 * ε = 8/255.
 *
 * @see Trying Harder Pays Off (ECCV 2024), arXiv 2407.09150
 */
export const padam = defineAttack({
  name: "padam",
  title: "PAdam",
  summary: "Adam within a budget: each value steps by its own gradients of the past.",
  paper: "Trying Harder Pays Off (ECCV 2024), arXiv 2407.09150",
  options: {
    ...ball,
    alpha: alpha("epsilon/4; for l2 over the root of the number of values"),
    loss: v.optional(
      v.pipe(
        v.picklist(["cross-entropy", "cosine"]),
        v.description(
          "what is ascended: mean cross-entropy, or mean cosine distance of the scores",
        ),
      ),
      "cross-entropy",
    ),
    randomStart,
  },
  graph: ["norm", "loss"],
  ...withinBudget,
  presets: () => ({ iterations: 200 }),
  effective: (o, { levels }) => {
    const epsilon = usableBudget(o.norm, o.epsilon, levels);
    return { ...o, epsilon, alpha: o.alpha ?? (o.norm === "linf" ? epsilon / 4 : undefined) };
  },
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: { radius: radiusState(o.epsilon), ...amsgradState },
      numbers: ["alpha", "epsilon", "mBias", "vBias"],
      start: o.randomStart ? (x0, random) => distance.sample(x0, o.epsilon, random) : undefined,
      step: (c) => {
        const loss = losses[o.loss](c);
        const { direction, averages } = amsgrad(c.ops, c.gradientOf(loss), c.state, c.n);
        const { x, radius } = stepInBall(c, distance, direction);
        return { x, loss, state: { radius, ...averages }, logs: { alpha: c.n.alpha } };
      },
      schedule: ({ values }) => {
        // A direction of Adam has about 1 in every value.
        const common = {
          alpha: o.alpha ?? o.epsilon / 4 / Math.sqrt(values),
          epsilon: o.epsilon,
        };
        return { next: (n) => ({ ...common, ...momentBias(n) }) };
      },
    });
  },
});

const losses = { "cross-entropy": crossEntropy, cosine } as const;
