import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder, writeModel, type Runtime } from "@onnx-asma/autodiff";
import type { ImageTensor, LabelMap } from "../image.ts";
import { SegmentationModel } from "../model/segmentation-model.ts";
import { asma, prepareAsma, type AsmaOptions, type AsmaSession } from "./asma.ts";
import type { AttackStep, StepRecord } from "./attack.ts";

const size = 8;
const pixels = size * size;

/** Scores −(x − ½) and x − ½ per pixel: class 1 above ½, and the nearest adversarial image is known. */
function thresholdModel(): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, size, size] });
  const w = b.constant("float32", [2, 1, 1, 1], [-1, 1]);
  const bias = b.constant("float32", [2], [0.5, -0.5]);
  b.output(b.op("Conv", [x, w, bias], { group: 1, kernel_shape: [1, 1] }), "scores");
  return writeModel(b.build().model, "embed").bytes;
}

const image: ImageTensor = {
  data: Float32Array.from({ length: pixels }, (_, i) => (i < 16 ? 0.6 : 0.4)),
  dims: [1, 1, size, size],
};
const target = (inside: (i: number) => boolean): LabelMap => ({
  data: Int32Array.from({ length: pixels }, (_, i) => (inside(i) ? 1 : 0)),
  dims: [size, size],
});
const moved = target((i) => i >= 32 && i < 48);
const empty = target(() => false);

let model: SegmentationModel;
let session: AsmaSession;
beforeAll(async () => {
  model = await SegmentationModel.load(ort as Runtime, thresholdModel());
  session = await prepareAsma(model);
});
afterAll(async () => {
  await session.step.release();
  await model.release();
});

async function collect(run: AsyncIterable<AttackStep>): Promise<AttackStep[]> {
  const steps: AttackStep[] = [];
  for await (const step of run) {
    steps.push(step);
  }
  return steps;
}

it("arrives close to the smallest perturbation there is", async () => {
  const run = asma(
    session,
    { image, target: moved },
    { beta: 1e-3, tau: 1e-3, iterations: 500, iouThreshold: 1 },
  );
  const { reached, best, stopReason } = await run.result;
  // 32 pixels have to move by 0.1 each.
  const smallest = Math.sqrt(32 * 0.1 ** 2);
  expect(reached).toBe(true);
  expect(stopReason).toBe("reached");
  expect(best.l2).toBeGreaterThanOrEqual(smallest - 1e-4);
  expect(best.l2).toBeLessThan(1.03 * smallest);
  expect(best.wrongPixels).toBe(0);
});

it("finds a step size by itself", async () => {
  const { reached, scale } = await asma(session, { image, target: moved }, { iterations: 500 })
    .result;
  expect(reached).toBe(true);
  expect(scale).toMatchObject({ isAutomatic: true });
  expect(scale.beta).toBeCloseTo(10 * scale.tau, 10);
});

describe("an empty target", () => {
  it("is reached, and α grows with the share that is erased", async () => {
    const uneven = { ...image, data: image.data.map((v, i) => (i < 16 ? 0.52 + i / 100 : v)) };
    const run = asma(
      session,
      { image: uneven, target: empty },
      { beta: 5e-3, tau: 5e-3, iterations: 100 },
    );
    const { reached, best, trajectory } = await run.result;
    expect(reached).toBe(true);
    expect(best.iou).toBe(1);
    const alphas = trajectory.map(({ alpha }) => alpha);
    expect(alphas.every(Number.isFinite)).toBe(true);
    expect(alphas[0]).toBeCloseTo(5e-3, 8);
    expect(alphas.every((alpha, n) => n === 0 || alpha >= (alphas[n - 1] as number))).toBe(true);
    expect(alphas.at(-1)).toBeCloseTo(1e-2, 8);
  });

  it("needs nothing when the prediction is empty already", async () => {
    const dark = { ...image, data: image.data.map(() => 0.1) };
    const { reached, best, trajectory } = await asma(session, { image: dark, target: empty })
      .result;
    expect(reached).toBe(true);
    expect(best).toMatchObject({ step: 0, iou: 1, l2: 0 });
    expect(trajectory).toHaveLength(1);
  });
});

it("does not look at ignored pixels and does not touch what lies outside the region", async () => {
  const labels = { ...moved, data: moved.data.map((label, i) => (i < 16 ? -1 : label)) };
  const region = Float32Array.from({ length: pixels }, (_, i) => (i >= 36 ? 1 : 0));
  const run = asma(
    session,
    { image, target: labels },
    { region, iterations: 300, iouThreshold: 0.7 },
  );
  const { reached, best } = await run.result;
  expect(reached).toBe(true);
  expect(best.iou).toBeCloseTo(12 / 16, 6);
  best.image.data.forEach((v, i) => {
    if (i < 36) {
      expect(v).toBe(image.data[i]);
    }
  });
});

it("keeps the reached iterate of smallest L2 when it goes on", async () => {
  const options: AsmaOptions = {
    beta: 5e-3,
    tau: 5e-3,
    lambda: 1,
    iterations: 60,
    earlyStop: false,
  };
  const { best, trajectory, stopReason } = await asma(session, { image, target: moved }, options)
    .result;
  const reached = trajectory.filter(({ iou }) => iou >= 0.95);
  expect(stopReason).toBe("iterations");
  expect(trajectory).toHaveLength(61);
  expect(best.l2).toBe(Math.min(...reached.map(({ l2 }) => l2)));
});

it("keeps the highest IoU when nothing is reached", async () => {
  const run = asma(session, { image, target: moved }, { beta: 1e-3, tau: 1e-3, iterations: 30 });
  const { reached, best, trajectory } = await run.result;
  expect(reached).toBe(false);
  expect(best.iou).toBe(Math.max(...trajectory.map(({ iou }) => iou)));
});

it("gives the same steps to those who iterate and to those who wait", async () => {
  const options = { iterations: 10, iouThreshold: 1 };
  const strip = ({ step, alpha, iou, l2 }: StepRecord) => ({ step, alpha, iou, l2 });
  const iterated = asma(session, { image, target: moved }, options);
  const steps = await collect(iterated);
  const awaited = await asma(session, { image, target: moved }, options).result;
  expect(steps.map(strip)).toEqual(awaited.trajectory.map(strip));
  expect((await iterated.result).trajectory.map(strip)).toEqual(steps.map(strip));
  expect(steps.at(-1)?.image().data).toEqual(awaited.last.image.data);
});

it("does not change the image it is given", async () => {
  const before = image.data.slice();
  await asma(session, { image, target: moved }, { iterations: 20 }).result;
  expect(image.data).toEqual(before);
});

it("keeps the best so far when it is aborted or left", async () => {
  const controller = new AbortController();
  const aborted = asma(
    session,
    { image, target: moved },
    { signal: controller.signal, iouThreshold: 1, beta: 1e-5, tau: 1e-5 },
  );
  for await (const { step } of aborted) {
    if (step === 4) {
      controller.abort();
    }
  }
  expect(await aborted.result).toMatchObject({ stopReason: "aborted", last: { step: 4 } });
  const left = asma(session, { image, target: moved }, { iouThreshold: 1, beta: 1e-5, tau: 1e-5 });
  for await (const { step } of left) {
    if (step === 2) {
      break;
    }
  }
  expect(await left.result).toMatchObject({ stopReason: "aborted", last: { step: 2 } });
});

it("keeps what was computed when the runtime fails on the way", async () => {
  let runs = 0;
  const failing = {
    ...session,
    step: Object.assign(Object.create(session.step) as typeof session.step, {
      model: session.step.model,
      iterates: (...args: Parameters<typeof session.step.iterates>) => {
        const iterates = session.step.iterates(...args);
        const step = iterates.step.bind(iterates);
        return Object.assign(iterates, {
          step: (...inputs: Parameters<typeof step>) => {
            runs += 1;
            return runs > 5 ? Promise.reject(new Error("device lost")) : step(...inputs);
          },
        });
      },
    }),
  };
  const run = asma(failing, { image, target: moved }, { iouThreshold: 1, beta: 1e-5, tau: 1e-5 });
  await expect(collect(run)).rejects.toThrow("device lost");
  expect(await run.result).toMatchObject({ stopReason: "failed", last: { step: 4 } });
});

it.each([
  [
    "a target of another size",
    { target: { ...moved, dims: [4, 16] as const } },
    {},
    "ERR_TARGET_SIZE",
  ],
  [
    "a class the model lacks",
    { target: { ...moved, data: moved.data.map(() => 2) } },
    {},
    "ERR_TARGET_CLASS",
  ],
  [
    "a target of ignored pixels only",
    { target: { ...moved, data: moved.data.map(() => -1) } },
    {},
    "ERR_TARGET_EMPTY",
  ],
  ["β without τ", {}, { beta: 1 }, "ERR_STEP_SIZE"],
  ["τ of 0", {}, { beta: 1, tau: 0 }, "ERR_STEP_SIZE"],
  ["a constant step with the multiplier", {}, { alpha: 1 }, "ERR_STEP_SIZE"],
  ["no iterations", {}, { iterations: 0 }, "ERR_OPTION"],
  ["a threshold above 1", {}, { iouThreshold: 95 }, "ERR_OPTION"],
  ["a region of another size", {}, { region: new Float32Array(3).fill(1) }, "ERR_REGION"],
  ["an empty region", {}, { region: new Float32Array(pixels) }, "ERR_REGION"],
])("refuses %s", (_, input, options, code) => {
  expect(() => asma(session, { image, target: moved, ...input }, options)).toThrow(
    expect.objectContaining({ code }),
  );
});

it("says why a gradient is zero or not a number", async () => {
  const region = Float32Array.from({ length: pixels }, (_, i) => (i === 63 ? 1 : 0));
  const zero = asma(session, { image, target: moved }, { region }).result;
  await expect(zero).rejects.toMatchObject({ code: "ERR_GRADIENT_ZERO" });
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, size, size] });
  const root = b.op("Sqrt", [b.op("Sub", [x, b.scalar(0.5)])]);
  b.output(b.op("Concat", [root, b.op("Neg", [root])], { axis: 1 }), "scores");
  const { bytes } = writeModel(b.build().model, "embed");
  const broken = await prepareAsma(await SegmentationModel.load(ort as Runtime, bytes));
  await expect(asma(broken, { image, target: moved }).result).rejects.toMatchObject({
    code: "ERR_GRADIENT_NAN",
  });
  await broken.step.release();
});

it("refuses the authors' flavour for more than two classes", async () => {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 3, size, size] });
  b.output(b.op("Neg", [x]), "scores");
  const three = await SegmentationModel.load(
    ort as Runtime,
    writeModel(b.build().model, "embed").bytes,
  );
  await expect(prepareAsma(three, { flavour: "reference" })).rejects.toMatchObject({
    code: "ERR_FLAVOUR",
  });
});
