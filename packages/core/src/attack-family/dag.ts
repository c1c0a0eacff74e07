import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { tiny } from "../attack/limits.ts";
import { distances } from "../distance/index.ts";
import { margin } from "../loss/margin.ts";
import { constant } from "../schedule/constant.ts";
import { positive, smallNorm } from "./minimal-options.ts";

/**
 * The dense adversary: steps of one length along the margins of the pixels that are not as wanted yet, until
 * none is missing. The perturbation r adds up unclipped; the model is shown clip(x_0 + r, 0, 1).
 *
 *     L       = Σ_{i missing} (z_{Y_i,i} − max_{k≠Y_i} z_{k,i}), ascended (away from labels, its negative)
 *     r_{n+1} = r_n + γ·∇L/‖∇L‖_p
 *
 * The paper raises one label against the picture's own; here the rival is the best other class, as in
 * adversarial-library. The paper's γ = 0.5 is for values from 0 to 255. Where x_0 + r lies outside [0, 1], the
 * gradient is 0, as that of the clipping.
 *
 * @see Xie, Wang, Zhang, Zhou, Xie, Yuille 2017, arXiv 1703.08603, algorithm 1
 */
export const dag = defineAttack({
  name: "dag",
  title: "DAG",
  summary: "Steps of one length towards the pixels that are missing, until none is.",
  paper: "Xie et al. 2017, arXiv 1703.08603, algorithm 1",
  options: {
    norm: v.optional(smallNorm.wrapped, "linf"),
    gamma: v.optional(
      positive("length γ of a step in that norm (default: 0.002 in linf, 0.1 in l2)"),
    ),
  },
  graph: ["norm"],
  canLeave: true,
  keeps: () => "closest",
  norm: (o) => o.norm,
  presets: () => ({ iterations: 200 }),
  effective: (o) => ({ ...o, gamma: o.gamma ?? (o.norm === "linf" ? 0.002 : 0.1) }),
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: {},
      numbers: ["gamma"],
      image: ({ ops, x }) => ops.clip(x, 0, 1),
      step: (c) => {
        const { add, sub, mul, div, max, abs, greater, where } = c.ops;
        const loss = margin(c);
        const isClipped = greater(abs(sub(c.x, 0.5)), 0.5);
        const gradient = where(isClipped, 0, c.gradientOf(loss));
        const length = max(distance.norm(c.ops, gradient), tiny);
        // What lies outside the region has no gradient.
        const x = add(c.x, mul(div(gradient, length), c.n.gamma));
        return { x, loss, logs: { alpha: c.n.gamma } };
      },
      schedule: () => constant({ gamma: o.gamma as number }),
    });
  },
});
