import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel, type AttackChoice, type ImageTensor, type LabelMap } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";
import {
  bundledScenes,
  goldenScenes,
  served,
  zooScenes,
  type ParityScene,
} from "./support/parity-scenes.ts";

declare const onnxAsma: typeof Api;

const iterations = 20;

interface Step {
  readonly iou: number;
  readonly l2: number;
  readonly linf: number;
  /** Bytes of the prediction's labels, in base64. */
  readonly labels: string;
}

interface Followed {
  readonly image: ImageTensor;
  readonly target: LabelMap;
  readonly choice: AttackChoice;
  readonly steps: readonly Step[];
  /** Of the untouched image. */
  readonly scores: readonly number[];
}

function toBase64({ buffer }: { readonly buffer: ArrayBufferLike }): string {
  return Buffer.from(buffer).toString("base64");
}

/** 20 steps, in Node. */
async function inNode(scene: ParityScene): Promise<Followed> {
  const model = await loadModel(scene.path, { ...scene.options, preprocessor: false });
  const { channels, size } = model.input;
  const image = await scene.makeImage(channels, size);
  const target = scene.makeTarget(await model.predict(image), image);
  // On floats: rounding to levels would turn the last place of a float into a whole level.
  const onFloats = { levels: "float", iouDefinition: scene.iouDefinition } as const;
  const first = await model.attack(image, target, { ...onFloats, iterations: 1 });
  const { beta, tau } = (await first.result).trajectory[0]?.logs as { beta: number; tau: number };
  const choice: AttackChoice = {
    ...onFloats,
    iterations,
    earlyStop: false,
    beta: scene.share * beta,
    tau: scene.share * tau,
  };
  const run = await model.attack(image, target, choice);
  const steps: Step[] = [];
  for await (const { iou, l2, linf, prediction } of run) {
    const { data } = await prediction();
    steps.push({ iou, l2, linf, labels: toBase64(Uint8Array.from(data)) });
  }
  const scores = [...(await model.predictScores(image)).data];
  await model.release();
  return { image, target, choice, steps, scores };
}

async function inBrowser(
  { page }: OpenPage,
  device: "wasm" | "webgpu",
  { path, options }: ParityScene,
  { image, target, choice }: Followed,
) {
  return await page.evaluate(
    async ({ address, device, options, image, target, choice }) => {
      const toBytes = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const model = await onnxAsma.loadModel(address, { ...options, preprocessor: false, device });
      const run = await model.attack(
        { data: new Float32Array(toBytes(image.data).buffer), dims: image.dims },
        { data: new Int32Array(toBytes(target.data).buffer), dims: target.dims },
        choice,
      );
      const steps = [];
      let milliseconds = 0;
      for await (const step of run) {
        const labels = Uint8Array.from((await step.prediction()).data);
        const { iou, l2, linf } = step;
        milliseconds = step.milliseconds;
        steps.push({
          iou,
          l2,
          linf,
          labels: btoa(Array.from(labels, (label) => String.fromCharCode(label)).join("")),
        });
      }
      const { best } = await run.result;
      const verdict = await model.predict(best.image);
      const scores = await model.predictScores({
        data: new Float32Array(toBytes(image.data).buffer),
        dims: image.dims,
      });
      await model.release();
      const wrong = best.prediction.data.filter((label, i) => label !== verdict.data[i]).length;
      return {
        steps,
        milliseconds,
        device: model.backend.device,
        wrong,
        scores: [...scores.data],
      };
    },
    {
      address: served.addressOf(path),
      device,
      options,
      image: { data: toBase64(image.data), dims: image.dims },
      target: { data: toBase64(target.data), dims: target.dims },
      choice,
    },
  );
}

function differingPixels(a: string, b: string): number {
  const [left, right] = [Buffer.from(a, "base64"), Buffer.from(b, "base64")];
  expect(left.length).toBe(right.length);
  return left.filter((label, i) => label !== right[i]).length;
}

// A GPU in software takes a minute to compile the shaders of each model: all of them with EVERY_SCENE=1.
const isEvery = process.env["EVERY_SCENE"] !== undefined;
const all = [
  ...goldenScenes,
  ...bundledScenes,
  ...zooScenes("committed/"),
  ...(isEvery ? zooScenes("models/") : []),
];

const few = [...goldenScenes.slice(2), ...zooScenes("committed/").slice(2, 4)];
// One of them has a convolution that is refused there, see faults.test.ts.
const computedOnGpu = all.filter(({ name }) => !name.startsWith("border-modes"));

describe.skipIf(!hasBrowser).each([
  { device: "wasm", gpu: false, scenes: all },
  { device: "webgpu", gpu: true, scenes: isEvery ? computedOnGpu : few },
] as const)("the same attack on $device", ({ device, gpu, scenes }) => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({ gpu, folders: [served.folder] });
  });
  afterAll(async () => await opened.close());

  it.each(scenes)("$name: 20 steps as in Node", { timeout: 600_000 }, async (scene) => {
    const expected = await inNode(scene);
    const found = await inBrowser(opened, device, scene, expected);
    expect(found.device).toBe(device);
    expect(found.wrong, "pixels that the untouched model draws otherwise").toBe(0);
    expect(found.steps.length).toBe(iterations + 1);
    const scale = expected.scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
    const apart = found.scores.map((score, i) => Math.abs(score - (expected.scores[i] as number)));
    expect(apart.length).toBe(expected.scores.length);
    expect(apart.reduce((most, n) => Math.max(most, n), 0)).toBeLessThan(1e-4 * scale);
    const differences = expected.steps.map((step, i) => {
      const actual = found.steps[i] as Step;
      return {
        pixels: differingPixels(actual.labels, step.labels),
        norm: Math.max(
          Math.abs(actual.l2 - step.l2) / Math.max(step.l2, 1e-6),
          Math.abs(actual.linf - step.linf),
        ),
        iou: Math.abs(actual.iou - step.iou),
      };
    });
    const largest = (kind: "pixels" | "norm" | "iou") =>
      Math.max(...differences.map((one) => one[kind]));
    const last = expected.steps.at(-1) as Step;
    console.log(
      `${scene.name} on ${device}: IoU ${expected.steps[0]?.iou.toFixed(3)} to ${last.iou.toFixed(3)}, ` +
        `${largest("pixels")} pixels differ, norms by ${largest("norm").toExponential(1)}, ` +
        `${Math.round(found.milliseconds)} ms a step`,
    );
    expect(last.l2).toBeGreaterThan(0);
    expect(largest("pixels")).toBe(0);
    expect(largest("norm")).toBeLessThan(1e-4);
    expect(largest("iou")).toBeLessThan(1e-6);
    expect(opened.complaints.filter((text) => !/powerPreference/.test(text))).toEqual([]);
  });
});
