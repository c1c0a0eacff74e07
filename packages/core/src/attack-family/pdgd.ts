import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { l2 } from "../distance/l2.ts";
import { softplus } from "../loss/softplus.ts";
import { violation } from "../loss/violation.ts";
import { primalDual, primalDualNumbers, primalDualRates } from "../schedule/primal-dual.ts";
import { metricOf, moments, momentState } from "../update/moments.ts";
import { multipliers, multiplierState } from "../update/multipliers.ts";

/**
 * Primal-dual gradient descent: the smallest perturbation r under one constraint for each pixel, whose
 * multipliers rise while it is not as wanted (`update/multipliers.ts` has w̄). With m the violation in scores:
 *
 *     minimise  (1 − Σ w̄)·‖r‖₂ + Σ_i w̄_i·log(1 + e^{m_i})     by Adam with step size θ_r
 *     x_{n+1} = clip(x_0 + r, 0, 1)
 *
 * @see Matyasko and Chau 2021, arXiv 2106.01538, algorithm 1; a multiplier for each pixel as in Rony,
 *   Pesquet, Ben Ayed 2023, arXiv 2206.07179
 */
export const pdgd = defineAttack({
  name: "pdgd",
  title: "PDGD",
  summary:
    "The smallest Euclidean change by descent, with a weight for each pixel that grows while it is missing.",
  paper: "Matyasko and Chau 2021, arXiv 2106.01538, algorithm 1",
  options: primalDualRates,
  graph: [],
  canLeave: true,
  keeps: () => "closest",
  norm: () => "l2",
  presets: () => ({ iterations: 500, earlyStop: false }),
  recipe: (o) =>
    defineRecipe({
      state: { ...momentState, ...multiplierState },
      numbers: primalDualNumbers,
      step: (c) => {
        const { sub, mul, div } = c.ops;
        const m = violation(c);
        const dual = multipliers(c, m, c.n.thetaLambda, Math.log(1e6));
        const loss = [{ value: softplus(c.b, c.ops, m), weight: mul(dual.weight, -1) }];
        const ascent = c.gradientOf(loss);
        const r = sub(c.x, c.x0);
        const gradient = sub(mul(l2.steepest(c.ops, r), dual.rest), ascent);
        const { first, second } = moments(c.ops, gradient, c.state);
        const metric = metricOf(c.ops, second, c.n.vBias);
        return {
          x: c.box(sub(c.x, mul(div(first, metric), c.n.rate))),
          loss,
          penalty: mul(l2.norm(c.ops, r), dual.rest),
          state: { first, second, ...dual },
          logs: { rest: dual.rest, alpha: c.n.thetaR },
        };
      },
      schedule: ({ iterations }) => primalDual(o, iterations),
    }),
});
