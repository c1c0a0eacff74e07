import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";
import { registerAttack } from "../attacks/index.ts";
import { constant } from "../schedule/constant.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";
import { balancedCrossEntropy } from "./balanced-cross-entropy.ts";
import { cosine } from "./cosine.ts";
import { jensenShannon } from "./jensen-shannon.ts";
import { maskedCrossEntropy } from "./masked-cross-entropy.ts";

const losses = {
  masked: maskedCrossEntropy,
  balanced: (c: StepContext) => balancedCrossEntropy(c, c.wrong),
  "balanced over all": (c: StepContext) => balancedCrossEntropy(c, c.counted),
  "jensen-shannon": jensenShannon,
  cosine,
} as const;
type Name = keyof typeof losses;

/** x + τ·∇ of a loss. */
registerAttack(
  defineAttack({
    name: "ascent-for-losses",
    title: "Ascent",
    summary: "A step along the gradient of a loss.",
    paper: "none",
    options: {
      loss: v.pipe(v.picklist(Object.keys(losses) as Name[]), v.description("its name")),
    },
    graph: ["loss"],
    canLeave: true,
    keeps: () => "last",
    norm: () => "l2",
    presets: () => ({ iterations: 1, earlyStop: false }),
    recipe: (o) =>
      defineRecipe({
        state: {},
        numbers: ["tau"],
        step: (c) => {
          const loss = losses[o.loss](c);
          return { x: c.box(c.ops.add(c.x, c.ops.mul(c.gradientOf(loss), c.n.tau))), loss };
        },
        schedule: () => constant({ tau }),
      }),
  }),
);

const size = 6;
const tau = 0.3;
// Away from 0, where all scores are equal; one so near that its scores are small however steep the model is.
const data = Float32Array.from({ length: size * size }, (_, i) =>
  i === 0 ? 2e-4 : 0.1 + ((i * 37) % 80) / 100,
);
const labels = Int32Array.from({ length: size * size }, (_, i) =>
  i % 5 === 4 ? -1 : i % 4 === 0 ? 1 : (i % 3) % 2,
);
const scored = [...labels.keys()].filter((i) => (labels[i] as number) >= 0);
const countOf = (y: number) => labels.filter((label) => label === y).length;

/**
 * The first step on a 1×1 convolution from 1 channel to K scores: gradients are the weights themselves.
 *
 * @param bias of all scores
 */
async function stepOf(loss: Name, weights: readonly number[], targeted: boolean, bias = 0) {
  const bench = await workbenchOf(
    tinyModel({
      inputs: { x: { dims: [1, 1, size, size] } },
      constants: {
        w: { dims: [weights.length, 1, 1, 1], data: weights },
        b: { dims: [weights.length], data: weights.map(() => bias) },
      },
      nodes: [["Conv", ["x", "w", "b"], "scores", { group: 1, kernel_shape: [1, 1] }]],
    }),
  );
  const image = { data, dims: [1, 1, size, size] as const };
  const choice = { attack: "ascent-for-losses", loss, targeted, levels: "float" };
  const run = await bench.attack(
    image,
    { data: labels, dims: [size, size] },
    choice as AttackChoice,
  );
  const { trajectory, last } = await run.result;
  await bench.release();
  return { loss: trajectory[0]?.loss as number, next: last.image.data };
}

/** log p_y, d(log p_y)/dx and whether y is predicted, at value x. */
function likelihood(weights: readonly number[], x: number, y: number) {
  const scores = weights.map((w) => w * x);
  const most = Math.max(...scores);
  const e = scores.map((s) => Math.exp(s - most));
  const sum = e.reduce((a, b) => a + b, 0);
  const mean = weights.reduce((total, w, k) => total + (w * (e[k] as number)) / sum, 0);
  return {
    logP: (scores[y] as number) - most - Math.log(sum),
    slope: (weights[y] as number) - mean,
    isRight: scores[y] === most,
  };
}

/** Weight of the cross-entropy of a pixel, before what masks it. */
const shares: Record<Exclude<Name, "jensen-shannon" | "cosine">, (y: number) => number> = {
  masked: () => 1 / scored.length,
  balanced: (y) => 1 / (2 * countOf(y)),
  "balanced over all": (y) => 1 / (2 * countOf(y)),
};

describe.each([true, false])("where labels are to be reached: %s", (targeted) => {
  const sign = targeted ? 1 : -1;
  const weights = [-1, 2, 0.5];

  it.each(Object.keys(shares) as (keyof typeof shares)[])("%s is its closed form", async (name) => {
    const found = await stepOf(name, weights, targeted);
    let loss = 0;
    const next = data.slice();
    for (const i of scored) {
      const [x, y] = [data[i] as number, labels[i] as number];
      const { logP, slope, isRight } = likelihood(weights, x, y);
      const isIn = name === "balanced over all" || isRight !== targeted;
      const weight = isIn ? sign * shares[name](y) : 0;
      loss += weight * logP;
      next[i] = Math.min(1, Math.max(0, x + tau * weight * slope));
    }
    // No pixel has the label 2: it takes no part in the mean over the classes.
    expect(countOf(2)).toBe(0);
    expect(found.loss).toBeCloseTo(loss, 5);
    found.next.forEach((value, i) => expect(value).toBeCloseTo(next[i] as number, 5));
  });

  it.each([1, 40, 4000])("jensen-shannon is its closed form for scores up to %d", async (scale) => {
    const steep = weights.map((w) => w * scale);
    const found = await stepOf("jensen-shannon", steep, targeted);
    let loss = 0;
    const next = data.slice();
    for (const i of scored) {
      const [x, y] = [data[i] as number, labels[i] as number];
      const { logP, slope } = likelihood(steep, x, y);
      const p = Math.exp(logP);
      const divergence = Math.LN2 + (p * logP - (1 + p) * Math.log1p(p)) / 2;
      loss -= (sign * divergence) / scored.length;
      const gradient = (-0.5 * (logP - Math.log1p(p)) * p * slope) / scored.length;
      next[i] = Math.min(1, Math.max(0, x + tau * sign * gradient));
    }
    expect(found.loss).toBeCloseTo(loss, 5);
    found.next.forEach((value, i) => expect(value).toBeCloseTo(next[i] as number, 5));
  });

  it("cosine is its closed form", async () => {
    const bias = 0.3;
    const found = await stepOf("cosine", weights, targeted, bias);
    let loss = 0;
    const next = data.slice();
    for (const i of scored) {
      const [x, y] = [data[i] as number, labels[i] as number];
      const z = weights.map((w) => w * x + bias);
      const length = Math.hypot(...z);
      const growth = z.reduce((sum, each, k) => sum + (each * (weights[k] as number)) / length, 0);
      loss -= (sign * (1 - (z[y] as number) / length)) / scored.length;
      const slope = (weights[y] as number) / length - ((z[y] as number) * growth) / length ** 2;
      next[i] = Math.min(1, Math.max(0, x + (tau * sign * slope) / scored.length));
    }
    expect(found.loss).toBeCloseTo(loss, 5);
    found.next.forEach((value, i) => expect(value).toBeCloseTo(next[i] as number, 5));
  });
});
