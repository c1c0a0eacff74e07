import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import { CountingRuntime } from "../../../../test/support/counting-runtime.ts";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { AsmaError } from "../errors.ts";
import type { Workbench } from "../workbench/workbench.ts";
import type { AttackResult, AttackStep } from "./attack-result.ts";

const image = thresholdImage();
const pixels = image.data.length;
const moved = thresholdTarget((i) => i >= 32 && i < 48);
/** Steps that never arrive. */
const slow = { beta: 1e-5, tau: 1e-5, iouThreshold: 1 };

let model: Workbench;
beforeAll(async () => {
  model = await workbenchOf(thresholdModel());
});
afterAll(async () => await model.release());

const strip = ({ step, iou, l2, logs }: Pick<AttackStep, "step" | "iou" | "l2" | "logs">) => ({
  step,
  iou,
  l2,
  logs,
});

async function collect(run: AsyncIterable<AttackStep>): Promise<AttackStep[]> {
  const steps: AttackStep[] = [];
  for await (const step of run) {
    steps.push(step);
  }
  return steps;
}

describe("what is handed over", () => {
  it("gives the same steps to those who iterate and to those who wait", async () => {
    const choice = { iterations: 10, iouThreshold: 1 };
    const iterated = await model.attack(image, moved, choice);
    const steps: AttackStep[] = [];
    let last: Float32Array | undefined;
    for await (const step of iterated) {
      steps.push(step);
      last = (await step.image()).data;
    }
    const awaited = await (await model.attack(image, moved, choice)).result;
    expect(steps.map(strip)).toEqual(awaited.trajectory.map(strip));
    expect((await iterated.result).trajectory.map(strip)).toEqual(steps.map(strip));
    expect(last).toEqual(awaited.last.image.data);
  });

  it("neither changes what it is given nor reads it later", async () => {
    const mine = { ...image, data: image.data.slice() };
    const target = { ...moved, data: moved.data.slice() };
    const region = new Float32Array(pixels).fill(1);
    const expected = await (await model.attack(image, moved, { iterations: 20 })).result;
    const run = await model.attack(mine, target, { iterations: 20, region });
    expect(mine.data).toEqual(image.data);
    mine.data.fill(0.9);
    target.data.fill(0);
    region.fill(0);
    const { trajectory, best } = await run.result;
    expect(trajectory.map(strip)).toEqual(expected.trajectory.map(strip));
    expect(best.image.data).toEqual(expected.best.image.data);
  });

  it("does not look at ignored pixels and does not touch what lies outside the region", async () => {
    const labels = { ...moved, data: moved.data.map((label, i) => (i < 16 ? -1 : label)) };
    const region = Float32Array.from({ length: pixels }, (_, i) => (i >= 36 ? 1 : 0));
    const run = await model.attack(image, labels, { region, iterations: 300, iouThreshold: 0.7 });
    const { reached, best } = await run.result;
    expect(reached).toBe(true);
    expect(best.iou).toBeCloseTo(12 / 16, 6);
    best.image.data.forEach((v, i) => i < 36 && expect(v).toBe(image.data[i]));
  });

  it("times its own work only", async () => {
    const run = await model.attack(image, moved, { ...slow, iterations: 3 });
    for await (const _ of run) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await run.result).seconds).toBeLessThan(0.4);
  });
});

describe("the end of a run", () => {
  it("keeps the best so far when it is aborted or left", async () => {
    const controller = new AbortController();
    const aborted = await model.attack(image, moved, { ...slow, signal: controller.signal });
    for await (const { step } of aborted) {
      if (step === 4) {
        controller.abort();
      }
    }
    expect(await aborted.result).toMatchObject({ stopReason: "aborted", last: { step: 4 } });
    const left = await model.attack(image, moved, slow);
    for await (const { step } of left) {
      if (step === 2) {
        break;
      }
    }
    expect(await left.result).toMatchObject({ stopReason: "aborted", last: { step: 2 } });
  });

  it("settles the result of a run that is left before its first step", async () => {
    const run = await model.attack(image, moved, slow);
    await run[Symbol.asyncIterator]().return(undefined);
    await expect(run.result).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  it.each([6, 7, 8, 12])(
    "rejects when run %i of the runtime fails, with what was computed",
    async (at) => {
      let isArmed = false;
      const runtime = new CountingRuntime({
        onRun: () => {
          if (isArmed && runtime.runs === at) {
            throw new Error("device lost");
          }
        },
      });
      const failing = await workbenchOf(thresholdModel(), {}, runtime);
      const run = await failing.attack(image, moved, slow);
      isArmed = true;
      runtime.runs = 0;
      const steps: AttackStep[] = [];
      const error = await (async () => {
        for await (const step of run) {
          steps.push(step);
        }
      })().catch((caught: AsmaError) => caught);
      expect(error).toMatchObject({
        code: "ERR_RUNTIME",
        message: expect.stringContaining("device lost"),
      });
      const partial = (error as AsmaError).partial as AttackResult;
      expect(partial).toMatchObject({ stopReason: "failed", reached: false });
      expect(partial.trajectory.map(strip)).toEqual(steps.map(strip));
      await expect(run.result).rejects.toBe(error);
      await failing.release();
      expect(runtime.open).toBe(0);
    },
  );

  it("says why a gradient is zero or not a number", async () => {
    const region = Float32Array.from({ length: pixels }, (_, i) => (i === 63 ? 1 : 0));
    const zero = (await model.attack(image, moved, { region })).result;
    await expect(zero).rejects.toMatchObject({ code: "ERR_GRADIENT_ZERO" });
    const b = GraphBuilder.empty();
    const x = b.input("x", { dtype: "float32", dims: [1, 1, 8, 8] });
    const root = b.op("Sqrt", [b.op("Sub", [x, b.scalar(0.5)])]);
    b.output(b.op("Concat", [root, b.op("Neg", [root])], { axis: 1 }), "scores");
    const broken = await workbenchOf(writeModel(b.build().model, "embed").bytes);
    const run = collect(await broken.attack(image, moved));
    await expect(run).rejects.toMatchObject({ code: "ERR_GRADIENT_NAN" });
    await broken.release();
  });
});

describe("the goal", () => {
  it("never hands back an image with more wrong pixels than another of no larger norm", async () => {
    const run = await model.attack(image, moved, { beta: 1e-3, tau: 1e-3, iterations: 30 });
    const { reached, best, trajectory } = await run.result;
    expect(reached).toBe(false);
    for (const { wrongPixels, l2 } of trajectory) {
      expect(wrongPixels < best.wrongPixels && l2 <= best.l2).toBe(false);
    }
    expect(best.wrongPixels).toBe(Math.min(...trajectory.map(({ wrongPixels }) => wrongPixels)));
  });
});

it.each([
  ["a target of another size", { target: { ...moved, dims: [4, 16] } }, {}, "ERR_TARGET_SIZE"],
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
  ["no image", { image: undefined }, {}, "ERR_ARRAY_DTYPE"],
  ["float64 pixels", { image: { ...image, data: new Float64Array(64) } }, {}, "ERR_ARRAY_DTYPE"],
  ["bytes as labels", { target: { ...moved, data: new Uint8Array(64) } }, {}, "ERR_ARRAY_DTYPE"],
  ["no iterations", {}, { iterations: 0 }, "ERR_OPTION"],
  ["a threshold in words", {}, { iouThreshold: "0.3" }, "ERR_OPTION"],
  ["a controller as signal", {}, { signal: new AbortController() }, "ERR_OPTION"],
  ["a name as options", {}, "pgd", "ERR_OPTION"],
  ["null as options", {}, null, "ERR_OPTION"],
  ["a threshold above 1", {}, { iouThreshold: 95 }, "ERR_OPTION"],
  ["an option that does not exist", {}, { epsilon: 1 }, "ERR_OPTION"],
  ["an attack that does not exist", {}, { attack: "magic" }, "ERR_ATTACK"],
  ["a region of another size", {}, { region: new Float32Array(3).fill(1) }, "ERR_REGION"],
  ["an empty region", {}, { region: new Float32Array(pixels) }, "ERR_REGION"],
  ["a region of other numbers", {}, { region: new Float32Array(pixels).fill(255) }, "ERR_REGION"],
])("refuses %s", async (_, input, choice, code) => {
  const given = { image, target: moved, ...input };
  const run = model.attack(given.image as never, given.target as never, choice as never);
  await expect(run).rejects.toMatchObject({ code });
});

it("refuses wrong options before anything is loaded", async () => {
  const runtime = new CountingRuntime();
  const fresh = await workbenchOf(thresholdModel(), {}, runtime);
  const run = fresh.attack(image, moved, { variant: "asm", beta: 1, tau: 1 });
  await expect(run).rejects.toMatchObject({ code: "ERR_STEP_SIZE" });
  expect(runtime.created).toBe(0);
});
