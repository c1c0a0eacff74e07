import type { Value } from "@onnx-asma/autodiff";
import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { proximal } from "../distance/proximal.ts";
import { marginRatio } from "../loss/margin-ratio.ts";
import { penalty, penaltySlope } from "../loss/penalty.ts";
import { sumOf } from "../loss/sum-of.ts";
import { reductionFrom } from "../schedule/reduction-from.ts";
import { positive, share } from "./minimal-options.ts";

/** Smoothing of multipliers and of the metric, and by how much ρ grows at most, so that float32 holds its powers. */
const [smoothing, largestRho] = [0.8, 1e8] as const;

/** A constraint is better when it is at most this part of what it was; ρ doubles where it is not. */
const [improvement, growth] = [0.95, 2] as const;

/** The scale of the constraints: by how much it changes, and its bounds. */
const [scaleChange, scaleMin, scaleMax] = [0.02, 0.1, 1] as const;

/** By how many scores a pixel has to be as wanted. */
const tolerance = 1e-4;

/**
 * An augmented Lagrangian with one constraint for each pixel, and the largest change made small by its proximity
 * operator. With y_i the scaled margin ratio of pixel i (`loss/margin-ratio.ts`) and P of `loss/penalty.ts`:
 *
 *     y_i     = s·ratio_i                s falls by 2 % where x_n reaches the goal, and rises otherwise
 *     μ_i     ← 0.8·μ_i + 0.2·P′(y_i)    in [1e-12, 1]
 *     ρ_i     ← 2·ρ_i                    every 10 steps, where i was never as wanted and y_i hardly fell
 *     g       = ∇Σ P(y_i),   v ← 0.8·v + 0.2·g²,   H = √(v/(1 − 0.8ⁿ))
 *     u       = clip(x_n − λ_n·g/H, 0, 1) − x_0
 *     x_{n+1} = x_0 + argmin_z ½·Σ H·(z − u)² + λ_n·‖z‖_∞
 *
 * λ falls from the first success on, or from half of the steps on. Unlike in the published code, P′ is the
 * derivative of P (`slope: published` has theirs), the tolerance makes constraints stricter also towards labels,
 * and none of the constraints is left out, as an IoU says nothing about how many may be missing.
 *
 * @see Rony, Pesquet, Ben Ayed 2023, arXiv 2206.07179, algorithm 1
 */
export const almaProx = defineAttack({
  name: "alma-prox",
  title: "ALMA prox",
  summary:
    "The smallest largest change, under a penalty for each pixel that grows where it does not help.",
  paper: "Rony, Pesquet, Ben Ayed 2023, arXiv 2206.07179, algorithm 1",
  options: {
    rate: v.optional(positive("first step size λ"), 0.001),
    reduction: v.optional(share("last step size as a share of the first"), 0.1),
    rho: v.optional(positive("first penalty parameter ρ"), 0.01),
    slope: v.optional(
      v.pipe(
        v.picklist(["derived", "published"]),
        v.description("derivative of the penalty: as it is, or as adversarial-library has it"),
      ),
      "derived",
    ),
  },
  graph: ["slope"],
  canLeave: true,
  keeps: () => "closest",
  norm: () => "linf",
  presets: () => ({ iterations: 500, earlyStop: false }),
  recipe: (o) =>
    defineRecipe({
      state: {
        second: { like: "image" },
        mu: { like: "grid", init: () => 1 },
        rho: { like: "grid", init: () => o.rho },
        before: { like: "grid" },
        wasRight: { like: "grid" },
        scale: { like: "number", init: () => scaleMax },
        found: { like: "number", init: ({ iterations }) => Math.floor(iterations / 2) },
      },
      numbers: ["n", "total", "isCheck", "unbias", "rate", "ratio"],
      step: (c) => {
        const { add, sub, mul, div, min, max, clip, sqrt, where, equal, less } = c.ops;
        const { state, isFirst, n: told } = c;
        const isCheck = equal(told.isCheck, 1);
        const scale = clip(
          div(state.scale, where(c.reached, 1 + scaleChange, 1 - scaleChange)),
          scaleMin,
          scaleMax,
        );
        const ratio = marginRatio(c, tolerance);
        const y = mul(ratio, scale);
        const right = max(state.wasRight, sub(c.counted, c.wrong));
        const isBetter = less(mul(state.before, improvement), y);
        const stays = max(right, sub(1, c.ops.indicator(isBetter)));
        const grown = where(equal(stays, 1), state.rho, min(mul(state.rho, growth), largestRho));
        const rho = where(isCheck, grown, state.rho);
        const slopeWith = (mu: Value) =>
          penaltySlope(c.ops, y, { mu, rho }, o.slope === "published");
        const smoothed = add(mul(state.mu, smoothing), mul(slopeWith(state.mu), 1 - smoothing));
        const mu = where(isFirst, state.mu, clip(smoothed, 1e-12, 1));
        const weight = mul(mul(mul(slopeWith(mu), scale), c.counted), -1);
        const loss = [{ value: ratio, weight }];
        const gradient = mul(c.gradientOf(loss), -1);
        const total = c.ops.sum(mul(penalty(c.ops, y, { mu, rho }), c.counted));
        const { found, step } = reductionFrom(c, state.found, told);
        const square = mul(mul(gradient, gradient), 1 - smoothing);
        const second = add(mul(state.second, smoothing), square);
        const metric = max(sqrt(mul(second, told.unbias)), 1e-8);
        const u = c.box(sub(c.x, mul(div(gradient, metric), step)));
        return {
          x: c.box(add(c.x0, proximal.linf(c.ops, sub(u, c.x0), metric, step))),
          loss,
          penalty: add(sumOf(c.ops, loss), total),
          state: {
            second,
            mu,
            rho,
            scale,
            found,
            before: where(isFirst, y, where(isCheck, y, state.before)),
            wasRight: where(isCheck, mul(right, 0), right),
          },
          logs: { alpha: step, scale },
        };
      },
      schedule: ({ iterations }) => ({
        next: (n) => ({
          n,
          total: iterations,
          isCheck: n > 0 && (n + 1) % 10 === 0 ? 1 : 0,
          unbias: 1 / (1 - smoothing ** (n + 1)),
          rate: o.rate,
          ratio: o.reduction / (1 - o.reduction),
        }),
      }),
    }),
});
