import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { golden } from "../support/golden-scene.ts";
import { thresholdImage, thresholdModel, thresholdSize } from "../support/threshold-model.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;
declare const createOwnWorker: () => Worker;

describe.skipIf(!hasBrowser)("an attack that a page registers in a worker of its own", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({ folders: [golden(".")] });
  });
  afterAll(async () => await opened.close());

  it("runs there with its options, and is unknown to other workers", async () => {
    const found = await opened.page.evaluate(async () => {
      const side = 92;
      const image = {
        data: new Float32Array(3 * side * side).map((_, i) => ((i * 37) % 256) / 255),
        dims: [1, 3, side, side] as const,
      };
      const target = onnxAsma.disc([side, side], [46, 46], 20);
      const choice = { attack: "own-signs", length: 2 / 255, iterations: 2 } as object;
      const options = { device: "wasm" } as const;
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        ...options,
        createWorker: createOwnWorker,
      });
      const { attack, trajectory } = await (await model.attack(image, target, choice)).result;
      await model.release();
      const other = await onnxAsma.loadModel("/unet-legacy.onnx", options);
      const unknown = await other.attack(image, target, choice).then(
        () => "none",
        (error: Api.AsmaError) => error.code,
      );
      await other.release();
      return {
        attack,
        linf: trajectory.map(({ linf }) => linf),
        logs: trajectory[0]?.logs,
        unknown,
      };
    });
    expect(found.attack).toEqual({
      name: "own-signs",
      options: { length: 2 / 255, fails: "never" },
    });
    expect(found.linf[0]).toBe(0);
    expect(found.linf[1]).toBeCloseTo(2 / 255, 6);
    expect(found.linf[2]).toBeCloseTo(4 / 255, 6);
    expect(found.logs).toEqual({ length: Math.fround(2 / 255) });
    expect(found.unknown).toBe("ERR_ATTACK");
  });

  it("rejects with the result so far when a step fails", async () => {
    const found = await opened.page.evaluate(async () => {
      const side = 92;
      const image = {
        data: new Float32Array(3 * side * side).map((_, i) => ((i * 37) % 256) / 255),
        dims: [1, 3, side, side] as const,
      };
      const target = onnxAsma.disc([side, side], [46, 46], 20);
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        device: "wasm",
        createWorker: createOwnWorker,
      });
      const choice = { attack: "own-signs", fails: "at step 3", iouThreshold: 1 } as object;
      const run = await model.attack(image, target, choice);
      const error = await run.result.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!onnxAsma.isAsmaError(error)) {
        throw new Error(`no error of ours: ${String(error)}`);
      }
      const partial = error.partial as Api.AttackResult;
      const after = await model.predict(partial.best.image);
      await model.release();
      return {
        code: error.code,
        message: error.message,
        stopReason: partial.stopReason,
        steps: partial.trajectory.map(({ step }) => step),
        same: after.data.every((label, i) => label === partial.best.prediction.data[i]),
      };
    });
    expect(found).toEqual({
      code: "ERR_STEP_FAILED",
      message: expect.stringMatching(/a fault of the schedule's own/),
      stopReason: "failed",
      steps: [0, 1, 2],
      same: true,
    });
  });

  it("attacks several images at once, each with its own end", async () => {
    const images = [4, 16, 40].map((bright) => [...thresholdImage(bright).data]);
    const found = await opened.page.evaluate(
      async ({ bytes, images, side }) => {
        const model = await onnxAsma.loadModel(Uint8Array.from(bytes), { device: "wasm" });
        const batch = images.map((data) => ({
          data: Float32Array.from(data),
          dims: [1, 1, side, side] as const,
          levels: Infinity,
        }));
        const targets = batch.map(() => onnxAsma.disc([side, side], [4, 4], 2));
        const choice = { iterations: 60 };
        const alone = [];
        for (const [i, image] of batch.entries()) {
          const run = await model.attack(image, targets[i] as Api.LabelMap, choice);
          alone.push((await run.result).trajectory.map(({ l2 }) => l2));
        }
        const run = await model.attackBatch(batch, targets, choice);
        const shown: number[] = [];
        for await (const { images: steps } of run) {
          const first = steps.find((step) => step !== undefined);
          shown.push(steps.filter((step) => step !== undefined).length);
          await first?.image();
        }
        const together = (await run.result).map((one) =>
          "trajectory" in one ? one.trajectory.map(({ l2 }) => l2) : [],
        );
        const mixed = await model.attackBatch(batch, targets.slice(1)).then(
          () => "none",
          (error: Api.AsmaError) => error.code,
        );
        await model.release();
        return { alone, together, shown, mixed };
      },
      { bytes: [...thresholdModel("N")], images, side: thresholdSize },
    );
    expect(found.together.map((steps) => steps.length)).toEqual(
      found.alone.map((steps) => steps.length),
    );
    found.alone.forEach((steps, i) =>
      steps.forEach((l2, n) => expect(found.together[i]?.[n]).toBeCloseTo(l2, 5)),
    );
    expect(found.shown[0]).toBe(3);
    expect(found.mixed).toBe("ERR_BATCH");
  });
});
