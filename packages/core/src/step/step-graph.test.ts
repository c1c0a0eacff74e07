import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Runtime } from "@onnx-asma/autodiff";
import { confusionMatrix } from "../metrics/confusion-matrix.ts";
import { iou, type IouDefinition } from "../metrics/iou.ts";
import { perturbationNorms } from "../metrics/perturbation-norms.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";
import { SegmentationModel } from "../model/segmentation-model.ts";
import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import { StepSession } from "./step-session.ts";

/** A 1×1 convolution from 2 channels to K scores: gradients are the weights themselves. */
function linearModel(weights: readonly (readonly number[])[], size: number): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, size, size] });
  const [k, c] = [weights.length, weights[0]?.length ?? 0];
  const w = b.constant("float32", [k, c, 1, 1], weights.flat());
  b.output(b.op("Conv", [x, w], { group: 1, kernel_shape: [1, 1] }), "scores");
  return writeModel(b.build().model, "embed").bytes;
}

const size = 6;
const weights = [[-1], [2], [0.5]];
const data = Float32Array.from({ length: size * size }, (_, i) => ((i * 37) % 100) / 100);
const labels = Int32Array.from({ length: size * size }, (_, i) => (i % 5 === 4 ? -1 : i % 3));
const image = { data, dims: [1, 1, size, size] as const };
const target = { data: labels, dims: [size, size] as const };

let model: SegmentationModel;
beforeAll(async () => {
  model = await SegmentationModel.load(ort as Runtime, linearModel(weights, size), undefined);
});
afterAll(() => model.release());

describe.each(["mean-present", "mean-all"] satisfies IouDefinition[])("IoU %s", (definition) => {
  it("agrees with the second implementation", async () => {
    const session = await StepSession.create(model, { mask: "adaptive", iou: definition });
    const original = { data: data.map((v) => Math.max(0, v - 0.1)), dims: image.dims };
    const { metrics, prediction } = await session.begin(original, target)(data, {
      beta: 0.3,
      tau: 0.1,
      lambda: 0.5,
    });
    const predicted = { data: Int32Array.from(prediction), dims: target.dims };
    expect([...predicted.data]).toEqual([...(await model.predict(image)).data]);
    const matrix = confusionMatrix(predicted, target, 3);
    const norms = perturbationNorms(image, original);
    expect(metrics.iou).toBeCloseTo(iou(matrix, definition), 6);
    expect(metrics.correctPixels / metrics.countedPixels).toBeCloseTo(pixelAccuracy(matrix), 6);
    expect(metrics.l2).toBeCloseTo(norms.l2, 5);
    expect(metrics.linf).toBeCloseTo(norms.linf, 6);
    expect(metrics.alpha).toBeCloseTo(0.3 * metrics.iou + 0.1, 6);
    expect(metrics.foregroundPixels).toBe(
      predicted.data.reduce((n, p, i) => n + (p > 0 && labels[i] !== -1 ? 1 : 0), 0),
    );
    await session.release();
  });
});

describe.each(["adaptive", "static"] as const)("with the %s mask", (mask) => {
  it("moves the image by the closed form", async () => {
    const session = await StepSession.create(model, { mask, iou: "mean-present" });
    const region = Float32Array.from({ length: size * size }, (_, i) => (i < 3 ? 0 : 1));
    const original = { data: data.map((v) => v * 0.5), dims: image.dims };
    const [tau, lambda] = [0.02, 0.25];
    const outputs = await session.begin(original, target, region)(data, { beta: 0, tau, lambda });
    data.forEach((x, i) => {
      const wanted = labels[i] as number;
      const isWrong = wanted !== -1 && wanted !== outputs.prediction[i];
      const counts = mask === "adaptive" ? isWrong : wanted !== -1;
      const gradient = counts ? (weights[wanted]?.[0] as number) : 0;
      const pull = 2 * lambda * (x - (original.data[i] as number));
      const unclipped = x + (region[i] as number) * tau * (gradient - pull);
      expect(outputs.unclipped[i]).toBeCloseTo(unclipped, 6);
      expect(outputs.nextImage[i]).toBeCloseTo(Math.min(1, Math.max(0, unclipped)), 6);
    });
    await session.release();
  });
});

it("sees the image rounded to the file's levels and passes the gradient straight through", async () => {
  const session = await StepSession.create(model, { mask: "static", iou: "mean-all", levels: 3 });
  const { metrics, unclipped } = await session.begin(image, target)(data, {
    beta: 0,
    tau: 0.01,
    lambda: 0,
  });
  const rounded = { data: data.map((v) => Math.round(v * 2) / 2), dims: image.dims };
  expect(metrics.l2).toBeCloseTo(perturbationNorms(rounded, image).l2, 5);
  const at = labels.findIndex((label) => label === 1);
  expect(unclipped[at]).toBeCloseTo((data[at] as number) + 0.01 * 2, 6);
  await session.release();
});
