import { expect, it } from "vitest";
import { CountingRuntime } from "../../../../test/support/counting-runtime.ts";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { StepRecord } from "../attack/step-record.ts";
import { isAsmaError } from "../errors.ts";
import type { AttackResult } from "./attack-result.ts";

const images = [16, 24, 0, 40].map((bright) => thresholdImage(bright));
const targets = [8, 20, 30, 16].map((from) => thresholdTarget((i) => i >= from && i < from + 16));

it("gives each image the result that it has alone", async () => {
  const model = await workbenchOf(thresholdModel("N"));
  const choice = { iterations: 80, iouThreshold: 0.9, beta: 4e-3, tau: 4e-3 };
  const run = await model.attackBatch(images, targets, choice);
  const counts: number[] = [];
  for await (const { images: steps } of run) {
    counts.push(steps.filter((step) => step !== undefined).length);
  }
  const results = await run.result;
  expect(counts[0]).toBe(4);
  // They end at different steps, and the others go on.
  expect(new Set(counts).size).toBeGreaterThan(1);
  for (const [i, image] of images.entries()) {
    const alone = await (await model.attack(image, targets[i] as never, choice)).result;
    const { trajectory, stopReason, reached, passes, best, last } = results[i] as AttackResult;
    expect({ stopReason, reached, passes }).toEqual({
      stopReason: alone.stopReason,
      reached: alone.reached,
      passes: alone.passes,
    });
    expect(trajectory.map(exact)).toEqual(alone.trajectory.map(exact));
    // Sums of floats depend on how a runtime shares them out.
    trajectory.forEach(({ l2 }, n) => expect(l2).toBeCloseTo(alone.trajectory[n]?.l2 as number, 6));
    expect([best.step, best.image, best.prediction]).toEqual([
      alone.best.step,
      alone.best.image,
      alone.best.prediction,
    ]);
    expect([last.step, last.image]).toEqual([alone.last.step, alone.last.image]);
  }
  await model.release();
});

function exact({ step, iou, wrongPixels, linf, logs }: StepRecord) {
  return { step, iou, wrongPixels, linf, logs };
}

it("lets one image fail alone", async () => {
  const runtime = new CountingRuntime();
  const model = await workbenchOf(thresholdModel("N"), {}, runtime);
  const region = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 0));
  // Nothing that is wrong in the first image may change.
  const far = thresholdTarget((i) => i < 16 || i >= 60);
  const run = await model.attackBatch(images.slice(0, 2), [far, targets[1] as never], { region });
  const [first, second] = await run.result;
  expect(isAsmaError(first) && first.code).toBe("ERR_GRADIENT_ZERO");
  expect(second).toMatchObject({ stopReason: expect.any(String) });
  expect((second as AttackResult).trajectory.length).toBeGreaterThan(5);
  await model.release();
  expect(runtime.open).toBe(0);
});

it("refuses by name what is no batch", async () => {
  const free = await workbenchOf(thresholdModel("N"));
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => "none",
      (error: { code: string }) => error.code,
    );
  expect(await code(free.attackBatch(images, targets.slice(1)))).toBe("ERR_BATCH");
  expect(await code(free.attackBatch(images.slice(0, 1), targets))).toBe("ERR_BATCH");
  expect(await code(free.attackBatch(images[0] as never, targets))).toBe("ERR_BATCH");
  expect(await code(free.attackBatch([], []))).toBe("ERR_BATCH");
  const bytes = { ...images[0], levels: 256 } as never;
  expect(await code(free.attackBatch([images[0] as never, bytes], targets.slice(0, 2)))).toBe(
    "ERR_BATCH",
  );
  const empty = thresholdTarget(() => false);
  expect(await code(free.attackBatch(images.slice(0, 2), [targets[0] as never, empty]))).toBe(
    "ERR_BATCH",
  );
  await free.release();
  const fixed = await workbenchOf(thresholdModel());
  expect(await code(fixed.attackBatch(images, targets))).toBe("ERR_BATCH");
  await fixed.release();
});
