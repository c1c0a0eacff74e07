import type { Value } from "@onnx-asma/autodiff";
import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";
import { far } from "../attack/limits.ts";
import { radius, radiusState, usableBudget } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { balancedCrossEntropy } from "../loss/balanced-cross-entropy.ts";
import { crossEntropy } from "../loss/cross-entropy.ts";
import { jensenShannon } from "../loss/jensen-shannon.ts";
import { maskedCrossEntropy } from "../loss/masked-cross-entropy.ts";
import { sumOf } from "../loss/sum-of.ts";
import type { Term } from "../model/append-model.ts";
import { checkpoints } from "../schedule/checkpoints.ts";
import { ball, randomStart, withinBudget } from "./budget-options.ts";

/** A number in (0, 1]. */
const share = (description: string) =>
  v.optional(
    v.pipe(v.number(), v.gtValue(0), v.maxValue(1), v.description(`${description}, at most 1`)),
    0.75,
  );

/**
 * Projected gradient descent whose steps begin with the length 2ε and are halved where they stop to pay:
 *
 *     z_{n+1} = P(x_n + η_n·d(∇L(x_n)))                              P = clip to [0, 1] after Π_ε
 *     x_{n+1} = P(x_n + α·(z_{n+1} − x_n) + (1 − α)·(x_n − x_{n−1}))   x_1 = z_1
 *
 * At the steps w_1 < w_2 < … (see `schedule/checkpoints.ts`) η is halved, and the next step goes on from
 * the x_max of the greatest f so far, f_max, if since w_{j−1}
 *
 *     1. fewer than ρ·(w_j − w_{j−1}) steps raised f above that of the point they left from, or
 *     2. neither η nor f_max changed.
 *
 * f is the loss, or what progress is judged by where pixels drop out of the loss: then its mask is left off.
 * The authors' program rounds w_j down, halves at exactly ρ·(w_j − w_{j−1}) too, does not try condition 2 at
 * w_1, and measures the first step after x_max against the point that was given up; this is the paper.
 *
 * @see Croce and Hein 2020, arXiv 2003.01690, algorithm 1; the losses: Croce, Singh, Hein 2024, arXiv 2306.12941
 */
export const apgd = defineAttack({
  name: "apgd",
  title: "APGD",
  summary:
    "PGD that finds its step sizes by itself, with momentum, and goes back to the best point.",
  paper: "Croce and Hein 2020, arXiv 2003.01690, algorithm 1",
  options: {
    ...ball,
    loss: v.optional(
      v.pipe(
        v.picklist([
          "cross-entropy",
          "masked-cross-entropy",
          "balanced-cross-entropy",
          "jensen-shannon",
        ]),
        v.description(
          "what is ascended: mean cross-entropy of all pixels, or of those that are not there yet (masked), " +
            "of these with equal weight for all classes (balanced), or mean Jensen-Shannon divergence",
        ),
      ),
      "cross-entropy",
    ),
    rho: share("share ρ of the steps that have to raise the loss for the step size to stay"),
    momentum: share("weight α of the new direction; 1 is no momentum"),
    randomStart,
  },
  graph: ["norm", "loss"],
  ...withinBudget,
  presets: () => ({ iterations: 100 }),
  effective: (o, { levels }) => ({ ...o, epsilon: usableBudget(o.norm, o.epsilon, levels) }),
  recipe: (o) => {
    const distance = distances[o.norm];
    return defineRecipe({
      state: {
        radius: radiusState(o.epsilon),
        xLast: { like: "image" },
        xMax: { like: "image" },
        gMax: { like: "image" },
        // Nothing rises above the loss before the first step, and every first loss is the greatest.
        fLast: { like: "number", init: () => far },
        fMax: { like: "number", init: () => -far },
        fMaxAtCheck: { like: "number" },
        rises: { like: "number" },
        wasHalved: { like: "number" },
        // In units of ε, which may differ from step to step.
        eta: { like: "number", init: () => 2 },
      },
      numbers: ["epsilon", "alpha", "rho", "isCheck", "stretch"],
      start: o.randomStart ? (x0, random) => distance.sample(x0, o.epsilon, random) : undefined,
      step: (c) => {
        const { add, sub, mul, max, where, greater, less, equal, indicator } = c.ops;
        const { state, n } = c;
        const { loss, progress } = losses[o.loss](c);
        const f = sumOf(c.ops, progress);
        const g = c.gradientOf(loss);
        const isMax = greater(f, state.fMax);
        const [xMax, gMax] = [where(isMax, c.x, state.xMax), where(isMax, g, state.gMax)];
        const fMax = max(f, state.fMax);
        const rises = add(state.rises, indicator(greater(f, state.fLast)));
        const fMaxAtCheck = where(c.isFirst, f, state.fMaxAtCheck);

        const tooFew = indicator(less(rises, mul(n.rho, n.stretch)));
        const unchanged = mul(indicator(equal(fMax, fMaxAtCheck)), sub(1, state.wasHalved));
        const halved = mul(n.isCheck, max(tooFew, unchanged));
        const isHalved = equal(halved, 1);
        const isCheck = equal(n.isCheck, 1);
        const eta = where(isHalved, mul(state.eta, 0.5), state.eta);
        const from = where(isHalved, xMax, c.x);

        const r = radius(c, distance);
        const P = (u: Value) => c.box(distance.project(c.ops, u, c.x0, r));
        const step = mul(eta, n.epsilon);
        const d = distance.steepest(c.ops, where(isHalved, gMax, g));
        const ahead = sub(P(add(from, mul(d, step))), from);
        const alpha = where(c.isFirst, 1, n.alpha);
        const drift = mul(sub(from, state.xLast), sub(1, alpha));
        return {
          x: P(add(from, add(mul(ahead, alpha), drift))),
          loss,
          state: {
            radius: r,
            xLast: from,
            xMax,
            gMax,
            fLast: where(isHalved, fMax, f),
            fMax,
            fMaxAtCheck: where(isCheck, fMax, fMaxAtCheck),
            rises: where(isCheck, 0, rises),
            wasHalved: where(isCheck, halved, state.wasHalved),
            eta,
          },
          logs: { eta: step },
        };
      },
      schedule: ({ iterations }) => {
        const checks = checkpoints(iterations);
        const common = { epsilon: o.epsilon, alpha: o.momentum, rho: o.rho };
        return {
          next: (n) => {
            const last = checks.findLast((w) => w < n) ?? 0;
            return { ...common, isCheck: checks.includes(n) ? 1 : 0, stretch: n - last };
          },
        };
      },
    });
  },
});

/** What is ascended, and what its progress is judged by. */
const losses = {
  "cross-entropy": (c: StepContext) => alike(crossEntropy(c)),
  "masked-cross-entropy": (c: StepContext) => ({
    loss: maskedCrossEntropy(c),
    progress: crossEntropy(c),
  }),
  "balanced-cross-entropy": (c: StepContext) => ({
    loss: balancedCrossEntropy(c, c.wrong),
    progress: balancedCrossEntropy(c, c.counted),
  }),
  "jensen-shannon": (c: StepContext) => alike(jensenShannon(c)),
} as const;

const alike = (loss: Term[]) => ({ loss, progress: loss });
