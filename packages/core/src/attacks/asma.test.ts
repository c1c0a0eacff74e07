import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { StepRecord } from "../attack/step-record.ts";
import type { Workbench } from "../workbench/workbench.ts";

const image = thresholdImage();
const moved = thresholdTarget((i) => i >= 32 && i < 48);
const empty = thresholdTarget(() => false);

let model: Workbench;
beforeAll(async () => {
  model = await workbenchOf(thresholdModel());
});
afterAll(async () => await model.release());

const log = (name: string) => (record: StepRecord) => record.logs[name] as number;

it("arrives close to the smallest perturbation there is", async () => {
  const run = await model.attack(image, moved, { beta: 1e-3, tau: 1e-3, iouThreshold: 1 });
  const { reached, best, stopReason } = await run.result;
  // 32 pixels have to move by 0.1 each.
  const smallest = Math.sqrt(32 * 0.1 ** 2);
  expect(reached).toBe(true);
  expect(stopReason).toBe("reached");
  expect(best.l2).toBeGreaterThanOrEqual(smallest - 1e-4);
  expect(best.l2).toBeLessThan(1.03 * smallest);
  expect(best.wrongPixels).toBe(0);
});

it("finds a step size by itself, in the first step", async () => {
  const run = await model.attack(image, moved);
  const { reached, trajectory, passes, options } = await run.result;
  expect(reached).toBe(true);
  expect(options.iterations).toBe(500);
  const [first] = trajectory as [StepRecord];
  expect(log("beta")(first)).toBeCloseTo(10 * log("tau")(first), 8);
  // One fortieth of an 8-bit level: 1e-4 · √64 / ‖g‖.
  expect(log("tau")(first) * first.gradientL2).toBeCloseTo(1e-4 * 8, 8);
  expect(passes.backwards).toBe(trajectory.length);
  expect(passes.forwards).toBe(trajectory.length + passes.judgements);
});

describe("an empty target", () => {
  it("is reached, and α grows with the share that is erased", async () => {
    const uneven = { ...image, data: image.data.map((v, i) => (i < 16 ? 0.52 + i / 100 : v)) };
    const run = await model.attack(uneven, empty, {
      beta: 5e-3,
      tau: 5e-3,
      iterations: 100,
      iouThreshold: 1,
    });
    const { reached, best, trajectory, options } = await run.result;
    expect(options.iouDefinition).toBe("erased");
    expect(reached).toBe(true);
    expect(best.iou).toBe(1);
    const alphas = trajectory.map(log("alpha"));
    expect(alphas[0]).toBeCloseTo(5e-3, 8);
    expect(alphas.every((alpha, n) => n === 0 || alpha >= (alphas[n - 1] as number))).toBe(true);
    expect(alphas.at(-1)).toBeCloseTo(1e-2, 8);
    const shares = trajectory.map(({ iou }) => iou);
    expect(shares).toEqual(trajectory.map(({ wrongPixels }) => Math.fround(1 - wrongPixels / 16)));
  });

  it("needs nothing when the prediction is empty already", async () => {
    const dark = thresholdImage(0, [0.1, 0.1]);
    const { reached, best, trajectory } = await (await model.attack(dark, empty)).result;
    expect(reached).toBe(true);
    expect(best).toMatchObject({ step: 0, iou: 1, l2: 0 });
    expect(trajectory).toHaveLength(1);
  });
});

it("keeps the reached iterate of smallest L2 when it goes on", async () => {
  const run = await model.attack(image, moved, {
    beta: 5e-3,
    tau: 5e-3,
    lambda: 1,
    iterations: 60,
    earlyStop: false,
  });
  const { best, trajectory, stopReason } = await run.result;
  const reached = trajectory.filter(({ iou }) => iou >= 0.95);
  expect(stopReason).toBe("iterations");
  expect(trajectory).toHaveLength(61);
  expect(best.l2).toBe(Math.min(...reached.map(({ l2 }) => l2)));
});

it("looks at some classes' pixels only where it is told so", async () => {
  const run = await model.attack(image, moved, {
    beta: 1e-3,
    tau: 1e-3,
    lossClasses: [1],
    iterations: 200,
    iouThreshold: 1,
  });
  const { reached, best } = await run.result;
  expect(reached).toBe(false);
  // What shall become background is not in the loss: it stays as it is.
  best.image.data.forEach((v, i) => i < 16 && expect(v).toBe(image.data[i]));
  expect(best.wrongPixels).toBe(16);
});

it("says when the distance loss overshoots", async () => {
  const options = { variant: "asm", alpha: 0.6, lambda: 1, iterations: 3 } as const;
  const { notices } = await (await model.attack(image, moved, options)).result;
  expect(notices).toEqual([expect.stringContaining("2·λ·α is 1.2")]);
  const calm = await (await model.attack(image, moved, { ...options, alpha: 0.4 })).result;
  expect(calm.notices).toEqual([]);
});

it("records the flavours' options as they are used", async () => {
  const run = await model.attack(image, moved, { flavour: "reference", iterations: 2 });
  const { attack, options, best, last, passes } = await run.result;
  expect(attack).toEqual({
    name: "asma",
    options: { variant: "asma", flavour: "reference", lambda: 1 },
  });
  expect(options).toMatchObject({ earlyStop: false, levels: "float", iouDefinition: "foreground" });
  expect(best.step).toBe(last.step);
  expect(passes).toMatchObject({ forwards: 6, backwards: 3 });
});

it.each([
  ["β without τ", { beta: 1 }, "ERR_STEP_SIZE"],
  ["τ of 0", { beta: 1, tau: 0 }, "ERR_OPTION"],
  ["a constant step with the multiplier", { alpha: 1 }, "ERR_STEP_SIZE"],
  ["the multiplier's steps without it", { variant: "asm", beta: 1, tau: 1 }, "ERR_STEP_SIZE"],
  ["a class that the model lacks", { lossClasses: [2] }, "ERR_OPTION"],
  ["leaving labels", { targeted: false }, "ERR_OPTION"],
] as const)("refuses %s", async (_, choice, code) => {
  await expect(model.attack(image, moved, choice as never)).rejects.toMatchObject({ code });
});

it("refuses the authors' flavour for more than two classes", async () => {
  const b = GraphBuilder.empty();
  b.output(b.op("Neg", [b.input("x", { dtype: "float32", dims: [1, 3, 8, 8] })]), "scores");
  const three = await workbenchOf(writeModel(b.build().model, "embed").bytes);
  const rgb = { data: new Float32Array(192).fill(0.5), dims: [1, 3, 8, 8] as const };
  const run = three.attack(rgb, moved, { flavour: "reference" });
  await expect(run).rejects.toMatchObject({ code: "ERR_FLAVOUR" });
  await three.release();
});
