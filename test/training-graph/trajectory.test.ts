import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { type ImageTensor, type LabelMap, type TrainingGraphOptions } from "@onnx-asma/core";
import { disc } from "@onnx-asma/core/targets";
import { loadModel, readModelFile, type LoadModelOptions } from "@onnx-asma/node";
import * as ort from "onnxruntime-node";
import { golden, goldenTarget, readNpyValues } from "../support/golden-scene.ts";
import { opticDisc, readTrainingFixture, unet3Training } from "../support/training-graph.ts";

/** Steps of fixed size. */
async function follow(
  path: string,
  options: LoadModelOptions,
  image: ImageTensor | string,
  target: LabelMap | undefined,
  iterations = 30,
) {
  const model = await loadModel(path, options);
  const tensor = typeof image === "string" ? await model.readImage(image) : image;
  const { height, width } = { height: tensor.dims[2], width: tensor.dims[3] };
  const wanted = target ?? disc([height, width], [width * 0.4, height * 0.6], height * 0.12, 1);
  const run = await model.attack(tensor, wanted, {
    beta: 0.01,
    tau: 0.001,
    iterations,
    earlyStop: false,
    levels: "float",
  });
  const steps = [];
  for await (const { logs, iou, l2, linf, prediction } of run) {
    const alpha = logs["alpha"] as number;
    steps.push({ alpha, iou, l2, linf, prediction: (await prediction()).data });
  }
  const { nodes } = (await run.result).build;
  await model.release();
  return { steps, nodes };
}

type Followed = Awaited<ReturnType<typeof follow>>;

function expectSame(ours: Followed, theirs: Followed): void {
  expect(theirs.steps).toHaveLength(ours.steps.length);
  expect(theirs.steps.at(-1)?.l2).toBeGreaterThan(0);
  ours.steps.forEach((step, n) => {
    const other = theirs.steps[n] as typeof step;
    expect(other.prediction, `prediction of step ${n}`).toEqual(step.prediction);
    expect(Math.abs(other.alpha - step.alpha)).toBeLessThan(1e-6);
    expect(Math.abs(other.iou - step.iou)).toBeLessThan(1e-6);
    for (const norm of ["l2", "linf"] as const) {
      expect(Math.abs(other[norm] - step[norm])).toBeLessThanOrEqual(1e-4 * step[norm]);
    }
  });
}

it("follows our own gradient on the bundled model, from a loss", { timeout: 600_000 }, async () => {
  const image = fileURLToPath(new URL("../../models/retina.jpg", import.meta.url));
  const trainingGraph = { model: await readTrainingFixture(opticDisc), target: "cpu" as const };
  const ours = await follow(opticDisc.model, {}, image, undefined, 10);
  const theirs = await follow(opticDisc.model, { trainingGraph }, image, undefined, 10);
  expectSame(ours, theirs);
});

const image: ImageTensor = {
  data: readNpyValues(golden("trajectories/three.image.npy")) as Float32Array,
  dims: [1, 3, 76, 76],
};
const target: LabelMap = { data: Int32Array.from(goldenTarget("three.moved")), dims: [36, 36] };

it.each(["any", "cpu"] as const)(
  "follows it on three classes, from an initializer, for %s",
  async (place) => {
    const trainingGraph = { model: await readTrainingFixture(unet3Training), target: place };
    const ours = await follow(unet3Training.model, { target: place }, image, target);
    const theirs = await follow(
      unet3Training.model,
      { target: place, trainingGraph },
      image,
      target,
    );
    expectSame(ours, theirs);
    // No layer is computed twice: nothing but the training graph is in the step.
    expect(theirs.nodes).toBeLessThan(1.1 * ours.nodes);
  },
);

it("follows it with what `differentiate` writes, under other names too", async () => {
  const resolved = await resolve(await readModelFile(unet3Training.model), ort as Runtime);
  const derived = differentiate(resolved, { inputs: ["image"], outputs: ["logits"] });
  const { bytes } = writeModel(derived.model, "embed");
  const ours = await follow(unet3Training.model, {}, image, target);
  const renamed = await readModel(bytes);
  const names: Record<string, string> = {
    image: "picture",
    logits: "result",
    image_grad: "slope",
    logits_grad: "seed",
  };
  const rename = (name: string) => names[name] ?? name;
  for (const value of [...renamed.graph.input, ...renamed.graph.output]) {
    value.name = rename(value.name);
  }
  for (const node of renamed.graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  for (const trainingGraph of [
    { model: await readModel(bytes) },
    { model: renamed },
  ] satisfies TrainingGraphOptions[]) {
    expectSame(ours, await follow(unet3Training.model, { trainingGraph }, image, target));
  }
});
