import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { distances } from "../distance/index.ts";
import { proximal } from "../distance/proximal.ts";
import { softplus } from "../loss/softplus.ts";
import { violation } from "../loss/violation.ts";
import { primalDual, primalDualNumbers, primalDualRates } from "../schedule/primal-dual.ts";
import { metricOf, moments, momentState } from "../update/moments.ts";
import { multipliers, multiplierState } from "../update/multipliers.ts";
import { smallNorm } from "./minimal-options.ts";

/**
 * Primal-dual proximal gradient descent: as PDGD, but the norm, which has no gradient at 0 and in L∞ a
 * gradient at one value only, is made small by its proximity operator in the metric D of Adam:
 *
 *     u       = clip(x_n − θ_r·m̂/D, 0, 1) − x_0           m̂ Adam's mean of ∇Σ_i w̄_i·log(1 + e^{m_i})
 *     x_{n+1} = x_0 + argmin_z ½·Σ D·(z − u)² + θ_r·(1 − Σ w̄)·‖z‖_p
 *
 * adversarial-library approaches the second line by at most five rounds and weighs the norm by
 * (1 − Σ w̄)/Σ w̄, although its gradient has the weights in it already; here both are as derived.
 *
 * @see Matyasko and Chau 2021, arXiv 2106.01538, algorithm 2; a multiplier for each pixel as in Rony,
 *   Pesquet, Ben Ayed 2023, arXiv 2206.07179
 */
export const pdpgd = defineAttack({
  name: "pdpgd",
  title: "PDPGD",
  summary: "PDGD for either norm: each step brings the change back as far as its norm is worth.",
  paper: "Matyasko and Chau 2021, arXiv 2106.01538, algorithm 2",
  options: { norm: smallNorm, ...primalDualRates },
  graph: ["norm"],
  canLeave: true,
  keeps: () => "closest",
  norm: (o) => o.norm,
  presets: () => ({ iterations: 500, earlyStop: false }),
  recipe: (o) =>
    defineRecipe({
      state: { ...momentState, ...multiplierState },
      numbers: primalDualNumbers,
      step: (c) => {
        const { add, sub, mul, div } = c.ops;
        const m = violation(c);
        const dual = multipliers(c, m, c.n.thetaLambda, Math.log(1e12));
        const loss = [{ value: softplus(c.b, c.ops, m), weight: mul(dual.weight, -1) }];
        const gradient = mul(c.gradientOf(loss), -1);
        const { first, second } = moments(c.ops, gradient, c.state);
        const metric = metricOf(c.ops, second, c.n.vBias);
        const u = c.box(sub(c.x, mul(div(first, metric), c.n.rate)));
        const weight = mul(dual.rest, c.n.thetaR);
        const r = proximal[o.norm](c.ops, sub(u, c.x0), metric, weight);
        return {
          x: c.box(add(c.x0, r)),
          loss,
          penalty: mul(distances[o.norm].norm(c.ops, sub(c.x, c.x0)), dual.rest),
          state: { first, second, ...dual },
          logs: { rest: dual.rest, alpha: c.n.thetaR },
        };
      },
      schedule: ({ iterations }) => primalDual(o, iterations),
    }),
});
