import type { Value } from "@onnx-asma/autodiff";
import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";
import { tiny } from "../attack/limits.ts";
import { radiusState, stepInBall } from "../distance/budget.ts";
import { distances } from "../distance/index.ts";
import { logSoftmax, pixelCrossEntropy } from "../loss/pixel-cross-entropy.ts";
import { constant } from "../schedule/constant.ts";
import { ball, plainAlpha, plainSteps, randomStart, withinBudget } from "./budget-options.ts";

/**
 * Projected gradient descent on a cross-entropy whose weight is how much the pixel's prediction and its
 * label are alike:
 *
 *     L       = (1/N)·Σ_i w_i·CE_i,   w_i = s_i away from labels, 1 − s_i towards them
 *     s_i     = cos(σ(z_i), e_{Y_i}) = σ(z_i)_{Y_i}/‖σ(z_i)‖₂
 *     x_{n+1} = clip(Π_ε(x_n + α·d(∇L(x_n))), 0, 1)
 *
 * where σ is the softmax (or a sigmoid for each class) and w a constant to the gradient.
 *
 * @see Agnihotri, Jung, Keuper 2024, arXiv 2302.02213
 */
export const cosPgd = defineAttack({
  name: "cos-pgd",
  title: "CosPGD",
  summary:
    "PGD that looks at each pixel as much as its prediction is still far from what is wanted.",
  paper: "Agnihotri, Jung, Keuper 2024, arXiv 2302.02213",
  options: {
    ...ball,
    alpha: plainAlpha,
    activation: v.optional(
      v.pipe(
        v.picklist(["softmax", "sigmoid"]),
        v.description("what makes predictions of the scores, to be compared with the labels"),
      ),
      "softmax",
    ),
    randomStart,
  },
  graph: ["norm", "activation"],
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
        const { sub, div, max } = c.ops;
        const s = cosine(c, activations[o.activation](c));
        const w = c.direction === 1 ? sub(1, s) : s;
        const loss = pixelCrossEntropy(c, div(w, max(c.measured.countedPixels, 1)));
        const { x, radius } = stepInBall(c, distance, distance.steepest(c.ops, c.gradientOf(loss)));
        return { x, loss, state: { radius }, logs: { alpha: c.n.alpha } };
      },
      schedule: () => constant({ alpha: o.alpha ?? o.epsilon, epsilon: o.epsilon }),
    });
  },
});

/** [N, K, …grid], in [0, 1]. */
const activations = {
  softmax: ({ b, ops, scores }: StepContext) => b.op("Exp", [logSoftmax(b, ops, scores)]),
  sigmoid: ({ b, scores }: StepContext) => b.op("Sigmoid", [scores]),
} as const;

/** [N, 1, …grid]: the cosine of the angle between a prediction, which has no negative numbers, and the label. */
function cosine({ b, ops, targetOneHot }: StepContext, prediction: Value): Value {
  const { mul, div, max, sqrt } = ops;
  // Squares of small numbers vanish in float32: the largest becomes 1 first.
  const scaled = div(prediction, max(b.reduce("ReduceMax", prediction, [1]), tiny));
  const own = b.reduce("ReduceSum", mul(scaled, targetOneHot), [1]);
  return div(own, max(sqrt(b.reduce("ReduceSum", mul(scaled, scaled), [1])), tiny));
}
