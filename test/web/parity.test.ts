import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAttack } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import {
  golden,
  goldenTarget,
  readNpyValues,
  unet,
  unet3,
  unetDynamo,
} from "../support/golden-scene.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

const scenes = [
  { name: "unet-legacy.onnx", path: unet, scene: "two", target: "two.moved" },
  { name: "unet-dynamo.onnx", path: unetDynamo, scene: "two", target: "two.moved" },
  { name: "unet3.onnx", path: unet3, scene: "three", target: "three.moved" },
] as const;

const iterations = 20;

interface Step {
  readonly iou: number;
  readonly l2: number;
  readonly linf: number;
  readonly labels: number[];
}

function inputs({ scene, target }: (typeof scenes)[number]) {
  const pixels = readNpyValues(golden(`trajectories/${scene}.image.npy`)) as Float32Array;
  const side = Math.sqrt(pixels.length / 3);
  const labels = Int32Array.from(goldenTarget(target));
  const grid = Math.sqrt(labels.length);
  return {
    image: { data: pixels, dims: [1, 3, side, side] as const },
    target: { data: labels, dims: [grid, grid] as const },
  };
}

async function inNode(scene: (typeof scenes)[number]): Promise<Step[]> {
  const attack = await createAttack(scene.path);
  const { image, target } = inputs(scene);
  const run = await attack.run(image, target, { iterations, earlyStop: false });
  const steps: Step[] = [];
  for await (const { iou, l2, linf, prediction } of run) {
    steps.push({ iou, l2, linf, labels: [...prediction().data] });
  }
  await attack.release();
  return steps;
}

describe.skipIf(!hasBrowser).each([
  { device: "wasm", gpu: false },
  { device: "webgpu", gpu: true },
] as const)("the same attack on $device", ({ device, gpu }) => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({ gpu, folders: [golden(".")] });
  });
  afterAll(async () => await opened.close());

  // A software GPU takes a minute to compile the shaders of each model: all of them with EVERY_GPU_SCENE=1.
  const few = gpu && process.env["EVERY_GPU_SCENE"] === undefined;
  it.each(scenes.filter(({ scene }) => !few || scene === "three"))(
    "$name: 20 steps as in Node",
    async (scene) => {
      const { image, target } = inputs(scene);
      const found = await opened.page.evaluate(
        async ({ name, device, pixels, side, labels, grid, iterations }) => {
          const attack = await onnxAsma.createAttack(`/${name}`, { device });
          const run = await attack.run(
            { data: Float32Array.from(pixels), dims: [1, 3, side, side] },
            { data: Int32Array.from(labels), dims: [grid, grid] },
            { iterations, earlyStop: false },
          );
          const steps = [];
          for await (const { iou, l2, linf, prediction } of run) {
            steps.push({ iou, l2, linf, labels: [...(await prediction()).data] });
          }
          const { best, last } = await run.result;
          const verdict = await attack.predict(best.image);
          await attack.release();
          return {
            steps,
            device: attack.backend.device,
            last: last.l2,
            bestLabels: [...best.prediction.data],
            verdict: [...verdict.data],
          };
        },
        {
          name: scene.name,
          device,
          pixels: [...image.data],
          side: image.dims[2],
          labels: [...target.data],
          grid: target.dims[0],
          iterations,
        },
      );
      expect(found.device).toBe(device);
      expect(found.verdict).toEqual(found.bestLabels);
      const expected = await inNode(scene);
      expect(found.steps.length).toBe(expected.length);
      expected.forEach((step, i) => {
        const actual = found.steps[i] as Step;
        const wrong = step.labels.filter((label, j) => label !== actual.labels[j]).length;
        expect.soft(wrong, `pixels that differ at step ${i}`).toBe(0);
        expect.soft(Math.abs(actual.l2 - step.l2) / Math.max(step.l2, 1e-6)).toBeLessThan(1e-4);
        expect.soft(Math.abs(actual.linf - step.linf)).toBeLessThan(1e-4);
        expect.soft(actual.iou).toBeCloseTo(step.iou, 6);
      });
      expect(opened.complaints.filter((text) => !/powerPreference/.test(text))).toEqual([]);
    },
  );
});
