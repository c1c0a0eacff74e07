import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { defineRecipe, type Recipe } from "../attack/recipe.ts";
import type { Distance } from "../distance/distance.ts";
import { distances, type DistanceName } from "../distance/index.ts";
import { crossEntropy } from "../loss/cross-entropy.ts";
import { margin } from "../loss/margin.ts";
import { targetScores } from "../loss/target-scores.ts";
import { confusionMatrix } from "../metrics/confusion-matrix.ts";
import { absentPixels, iou, iouDefinitions } from "../metrics/iou.ts";
import { perturbationNorms } from "../metrics/perturbation-norms.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";
import { SegmentationModel } from "../model/segmentation-model.ts";
import { firstNumbers } from "./append-inputs.ts";
import { Iterates, type StepMetrics } from "./iterates.ts";
import { buildStepGraph, type StepGraphOptions } from "./step-graph.ts";
import { StepSession } from "./step-session.ts";

/** A 1×1 convolution from 1 channel to K scores: gradients are the weights themselves. */
function linearModel(weights: readonly number[], size: number, opset = 17): Uint8Array {
  const b = GraphBuilder.empty(opset);
  const x = b.input("x", { dtype: "float32", dims: [1, 1, size, size] });
  const w = b.constant("float32", [weights.length, 1, 1, 1], weights);
  b.output(b.op("Conv", [x, w], { group: 1, kernel_shape: [1, 1] }), "scores");
  return writeModel(b.build().model, "embed").bytes;
}

const size = 6;
const weights = [-1, 2, 0.5];
const data = Float32Array.from({ length: size * size }, (_, i) => ((i * 37) % 100) / 100);
const labels = Int32Array.from({ length: size * size }, (_, i) => (i % 5 === 4 ? -1 : i % 3));
const image = { data, dims: [1, 1, size, size] as const };
const target = { data: labels, dims: [size, size] as const };
const counted = labels.filter((label) => label >= 0).length;

let model: SegmentationModel;
let old: SegmentationModel;
beforeAll(async () => {
  model = await SegmentationModel.load(ort as Runtime, linearModel(weights, size));
  old = await SegmentationModel.load(ort as Runtime, linearModel(weights, size, 11));
});
afterAll(async () => {
  await model.release();
  await old.release();
});

interface Stepped {
  readonly metrics: StepMetrics;
  readonly prediction: Int32Array;
  readonly next: Float32Array;
}

/** One step from `data` of an attack on `original`. */
async function stepOf(
  recipe: Recipe,
  options: StepGraphOptions,
  {
    original = data,
    region = undefined as Float32Array | undefined,
    absentBefore = 0,
    numbers = {} as Record<string, number>,
    of = model,
    kappa = 0,
  } = {},
): Promise<Stepped> {
  const step = await StepSession.create(of, recipe, {
    ...options,
    hasRegion: region !== undefined,
  });
  try {
    const iterates = new Iterates(step, {
      original,
      image: data,
      labels: Float32Array.from(labels),
      region,
      state: {},
    });
    const [metrics] = await iterates.step([
      { isFirst: 1, margin: kappa, absentBefore, ...numbers },
    ]);
    const prediction = await iterates.readPrediction(0);
    iterates.advance();
    await iterates.step([{ isFirst: 0, margin: 0, absentBefore, ...numbers }]);
    return { metrics: metrics as StepMetrics, prediction, next: await iterates.readImage(0) };
  } finally {
    await step.release();
  }
}

/** u = x + τ·∇ of a loss. */
const ascent = (loss: (c: Parameters<Recipe["step"]>[0]) => ReturnType<typeof targetScores>) =>
  defineRecipe({
    state: {},
    numbers: ["tau"],
    step: (c) => {
      const terms = loss(c);
      const gradient = c.gradientOf(terms);
      return { x: c.box(c.ops.add(c.x, c.ops.mul(gradient, c.n.tau))), loss: terms };
    },
    schedule: () => ({ next: () => ({ tau: 0 }) }),
  });

const still = ascent((c) => targetScores(c, c.wrong));

describe.each(iouDefinitions.filter((name) => name !== "foreground"))("IoU %s", (definition) => {
  it.each(["any", "cpu"] as const)(
    "on a graph for %s agrees with the second implementation",
    async (graphTarget) => {
      const original = data.map((v) => Math.max(0, v - 0.1));
      const { metrics, prediction } = await stepOf(
        still,
        { iou: definition, target: graphTarget },
        { original, absentBefore: 7, numbers: { tau: 0 } },
      );
      const predicted = { data: prediction, dims: target.dims };
      expect([...prediction]).toEqual([...(await model.predict(image)).data]);
      const matrix = confusionMatrix(predicted, target, 3);
      const norms = perturbationNorms(image, { data: original, dims: image.dims });
      expect(metrics.iou).toBeCloseTo(iou(matrix, definition, 7), 6);
      expect(metrics.absentPixels).toBe(absentPixels(matrix));
      expect(metrics.correctPixels / metrics.countedPixels).toBeCloseTo(pixelAccuracy(matrix), 6);
      expect(metrics.l1).toBeCloseTo(norms.l1, 4);
      expect(metrics.l2).toBeCloseTo(norms.l2, 5);
      expect(metrics.linf).toBeCloseTo(norms.linf, 6);
    },
  );
});

const scores = (x: number) => weights.map((w) => w * x);
const predictionOf = (x: number) => scores(x).indexOf(Math.max(...scores(x)));
const softmax = (x: number) => {
  const e = scores(x).map(Math.exp);
  return e.map((v) => v / e.reduce((sum, each) => sum + each, 0));
};

/** dL/dx of a pixel with value x and label y. */
const closedForms = {
  adaptive: (x: number, y: number) => (predictionOf(x) === y ? 0 : (weights[y] as number)),
  static: (_: number, y: number) => weights[y] as number,
  "cross-entropy": (x: number, y: number) =>
    weights.reduce((sum, w, k) => sum + ((k === y ? 1 : 0) - (softmax(x)[k] as number)) * w, 0) /
    counted,
  margin: (x: number, y: number) => {
    const others = scores(x).map((s, k) => (k === y ? -Infinity : s));
    const other = others.indexOf(Math.max(...others));
    const isWrong = predictionOf(x) !== y;
    return isWrong ? ((weights[y] as number) - (weights[other] as number)) / counted : 0;
  },
};
const lossesOf = {
  adaptive: (c: Parameters<Recipe["step"]>[0]) => targetScores(c, c.wrong),
  static: (c: Parameters<Recipe["step"]>[0]) => targetScores(c, c.counted),
  "cross-entropy": crossEntropy,
  margin,
};

describe.each(Object.keys(lossesOf) as (keyof typeof lossesOf)[])("the loss %s", (name) => {
  it("moves the image by the closed form, inside the region only", async () => {
    const region = Float32Array.from({ length: size * size }, (_, i) => (i < 3 ? 0 : 1));
    const tau = 0.3;
    for (const of of [model, old]) {
      const { next } = await stepOf(
        ascent(lossesOf[name]),
        { iou: "mean-present" },
        { region, numbers: { tau }, of },
      );
      data.forEach((x, i) => {
        const y = labels[i] as number;
        const gradient = y < 0 || i < 3 ? 0 : closedForms[name](x, y);
        expect(next[i]).toBeCloseTo(Math.min(1, Math.max(0, x + tau * gradient)), 5);
      });
    }
  });
});

it("leaves labels by the same losses, of the pixels that still have them", async () => {
  const options = { iou: "mean-present", targeted: false } as const;
  for (const [loss, form] of [
    [crossEntropy, closedForms["cross-entropy"]],
    [
      margin,
      (x: number, y: number) => {
        const others = scores(x).map((s, k) => (k === y ? -Infinity : s));
        const other = others.indexOf(Math.max(...others));
        return predictionOf(x) === y
          ? ((weights[y] as number) - (weights[other] as number)) / counted
          : 0;
      },
    ],
  ] as const) {
    const { next } = await stepOf(ascent(loss), options, { numbers: { tau: 0.3 } });
    data.forEach((x, i) => {
      const y = labels[i] as number;
      const moved = x - 0.3 * (y < 0 ? 0 : form(x, y));
      // At 0 all scores are equal, and which of them is the largest other one is anybody's choice.
      if (x === 0) return;
      expect(next[i]).toBeCloseTo(Math.min(1, Math.max(0, moved)), 5);
    });
  }
});

it("still counts pixels as wrong whose lead is below the margin", async () => {
  const kappa = 0.5;
  const { next } = await stepOf(still, { iou: "mean-present" }, { numbers: { tau: 0.1 }, kappa });
  data.forEach((x, i) => {
    const y = labels[i] as number;
    const others = scores(x).filter((_, k) => k !== y);
    const isPending = y >= 0 && (scores(x)[y] as number) - Math.max(...others) < kappa;
    const moved = x + 0.1 * (isPending ? (weights[y] as number) : 0);
    expect(next[i]).toBeCloseTo(Math.min(1, Math.max(0, moved)), 6);
  });
});

it("sees the image rounded to the file's levels, half to even, and passes the gradient through", async () => {
  const { metrics, next } = await stepOf(
    ascent((c) => targetScores(c, c.counted)),
    { iou: "mean-all", levels: 3 },
    { numbers: { tau: 0.01 } },
  );
  const half = (v: number) => {
    const scaled = Math.fround(v) * 2;
    const whole = Math.round(scaled);
    return (Math.abs(scaled % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole) / 2;
  };
  const rounded = { data: data.map(half), dims: image.dims };
  expect(metrics.l2).toBeCloseTo(perturbationNorms(rounded, image).l2, 5);
  // What is handed out is what the model saw.
  expect(next.every((v) => v === 0 || v === 0.5 || v === 1)).toBe(true);
});

describe.each(Object.keys(distances) as DistanceName[])("the distance %s", (name) => {
  const distance: Distance = distances[name];
  const epsilon = 0.2;

  it("projects to the ball, and steps as far as it says", async () => {
    const recipe = defineRecipe({
      state: {},
      numbers: ["epsilon"],
      step: (c) => {
        const { add, mul } = c.ops;
        const loss = targetScores(c, c.wrong);
        const direction = distance.steepest(c.ops, c.gradientOf(loss));
        const u = add(c.x, mul(direction, 10));
        return {
          x: distance.project(c.ops, u, c.x0, c.n.epsilon),
          loss,
          logs: { direction: distance.norm(c.ops, direction) },
        };
      },
      schedule: () => ({ next: () => ({ epsilon }) }),
    });
    const original = data.map((v) => v * 0.9);
    const { metrics, next } = await stepOf(
      recipe,
      { iou: "mean-present" },
      { original, numbers: { epsilon } },
    );
    expect(metrics.logs["direction"]).toBeCloseTo(1, 5);
    const norms = perturbationNorms(
      { data: next, dims: image.dims },
      { data: original, dims: image.dims },
    );
    expect(norms[name]).toBeCloseTo(epsilon, 5);
  });
});

it("works where a model's own values have the names of its inputs", async () => {
  const colliding = tinyModel({
    inputs: { "attack/image": { dims: [1, 2, 4, 4] } },
    constants: { "attack/original": { dims: [2, 2, 1, 1], data: [1, -1, -1, 1] } },
    nodes: [
      ["Conv", ["attack/image", "attack/original"], "metrics", { kernel_shape: [1, 1], group: 1 }],
      ["Mul", ["metrics", "metrics"], "next_image"],
    ],
    outputs: ["next_image"],
  });
  const of = await SegmentationModel.load(ort as Runtime, colliding);
  const { graph, inputs } = buildStepGraph(of, still, { iou: "mean-present" });
  expect(graph.model.graph.input.map(({ name }) => name)).toContain(inputs.image);
  const step = await StepSession.create(of, still, { iou: "mean-present" });
  const iterates = new Iterates(step, {
    original: new Float32Array(32).fill(0.5),
    image: new Float32Array(32).fill(0.5),
    labels: new Float32Array(16),
    region: undefined,
    state: {},
  });
  const numbers = { ...firstNumbers, tau: 0.1 };
  expect(await iterates.step([numbers])).toHaveLength(1);
  await step.release();
  await of.release();
});
