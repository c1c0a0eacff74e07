import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { GraphBuilder, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { CountingRuntime } from "../../../../test/support/counting-runtime.ts";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import { isAsmaError } from "../errors.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { AttackResult, AttackStep } from "../run/attack-result.ts";
import type { AttackRun } from "../run/attack-run.ts";
import type { AttackChoice } from "./attack-choice.ts";

const image = thresholdImage();
const target = thresholdTarget((i) => i >= 32 && i < 48);

/** As `thresholdModel`, for images of any size. */
function anySize(): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, 8, 8] });
  const w = b.constant("float32", [2, 1, 1, 1], [-1, 1]);
  const bias = b.constant("float32", [2], [0.5, -0.5]);
  b.output(b.op("Conv", [x, w, bias], { group: 1, kernel_shape: [1, 1] }), "scores");
  const { model } = b.build();
  for (const { type } of [...model.graph.input, ...model.graph.output]) {
    const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim : undefined;
    dims?.forEach((dim, i) => {
      if (i > 1) {
        dim.value = { case: "dimParam", value: `d${i}` };
      }
    });
  }
  return writeModel(model, "embed").bytes;
}

function scene(size: number): { image: ImageTensor; target: LabelMap } {
  const count = size * size;
  return {
    image: {
      data: Float32Array.from({ length: count }, (_, i) => (i < count / 4 ? 0.6 : 0.4)),
      dims: [1, 1, size, size],
    },
    target: {
      data: Int32Array.from({ length: count }, (_, i) => (i > count / 2 ? 1 : 0)),
      dims: [size, size],
    },
  };
}

it("answers two first calls at once with one session each", async () => {
  const runtime = new CountingRuntime();
  const model = await workbenchOf(thresholdModel(), {}, runtime);
  const [a, b] = await Promise.all([model.predict(image), model.predict(image)]);
  expect(a).toEqual(b);
  await Promise.all([model.attack(image, target), model.attack(image, target)]);
  const loaded = runtime.open;
  await model.predict(image);
  expect(runtime.open).toBe(loaded);
  await model.release();
  expect(runtime.open).toBe(0);
});

it("predicts another size during a run, which goes on", async () => {
  const runtime = new CountingRuntime();
  const model = await workbenchOf(anySize(), {}, runtime);
  const [small, large] = [scene(8), scene(12)];
  const run = await model.attack(small.image, small.target, { iterations: 5, iouThreshold: 1 });
  for await (const { step } of run) {
    if (step === 2) {
      expect((await model.predict(large.image)).dims).toEqual([12, 12]);
    }
  }
  expect((await run.result).trajectory).toHaveLength(6);
  await model.release();
  expect(runtime.open).toBe(0);
});

it.each([1, 2, 3, 4, 5])(
  "tries again after session %i failed to load, and releases",
  async (at) => {
    let isBroken = true;
    const runtime = new CountingRuntime({
      onCreate: (count) => {
        if (isBroken && count === at) {
          throw new Error("no memory");
        }
      },
    });
    const model = await workbenchOf(thresholdModel(), {}, runtime);
    const use = async () => {
      await model.predict(image);
      return await (
        await model.attack(image, target, { iterations: 2 })
      ).result;
    };
    const failure = await use().catch((error: unknown) => error);
    if (runtime.created < at - 1) {
      throw new Error(`only ${runtime.created} sessions were loaded`);
    }
    if (isAsmaError(failure)) {
      expect(failure.message).toContain("no memory");
    }
    isBroken = false;
    expect((await use()).trajectory).toHaveLength(3);
    await model.release();
    await model.release();
    expect(runtime.open).toBe(0);
    await expect(model.predict(image)).rejects.toMatchObject({ code: "ERR_RELEASED" });
  },
);

it("ends a run by name when the model is released under it, with what was computed", async () => {
  const runtime = new CountingRuntime();
  const model = await workbenchOf(thresholdModel(), {}, runtime);
  const run = await model.attack(image, target, { iouThreshold: 1, beta: 1e-5, tau: 1e-5 });
  const steps = run[Symbol.asyncIterator]();
  for (let n = 0; n < 3; n++) {
    await steps.next();
  }
  await model.release();
  expect(runtime.open).toBe(0);
  const error: unknown = await steps.next().catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "ERR_RELEASED", partial: { trajectory: { length: 3 } } });
  await expect(run.result).rejects.toBe(error);
});

describe("levels", () => {
  const eightBit: ImageTensor = { ...image, levels: undefined };

  it("follow the image: what is reached is reached in its file", async () => {
    const model = await workbenchOf(thresholdModel());
    const result = await (await model.attack(eightBit, target)).result;
    expect(result.options.levels).toBe(256);
    expect(result.best.image.levels).toBe(256);
    result.best.image.data.forEach((v) => expect(Math.fround(Math.round(v * 255) / 255)).toBe(v));
    const verdict = await model.verify(result.best.image, target, { original: image });
    expect(verdict).toMatchObject({
      reached: true,
      iou: result.best.iou,
      l2: result.best.judged && verdict.l2,
    });
    await model.release();
  });

  it("are floats for float images, and on demand", async () => {
    const model = await workbenchOf(thresholdModel());
    const float = await (await model.attack(image, target, { iterations: 3 })).result;
    const asked = await (
      await model.attack(eightBit, target, { iterations: 3, levels: "float" })
    ).result;
    expect(float.options.levels).toBe("float");
    expect(asked.trajectory).toEqual(float.trajectory);
    await model.release();
  });
});

/** A repeatable source of choices. */
function chooser(seed: number) {
  let state = seed;
  return <T>(list: readonly T[]): T => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return list[Math.floor((state / 2 ** 32) * list.length)] as T;
  };
}

it(
  "survives 1,000 random interleavings of its methods without a leak or an unnamed error",
  { timeout: 600_000 },
  async () => {
    const bytes = anySize();
    const scenes = [scene(4), scene(6)];
    const known = new Set<string>();
    const unnamed: unknown[] = [];
    for (let round = 0; round < 1000; round++) {
      const choose = chooser(round + 1);
      const runtime = new CountingRuntime({
        onCreate: async () => {
          await choose([() => undefined, () => sleep(0), () => sleep(1)])();
          if (choose(Array.from({ length: 40 }, (_, i) => i)) === 0) {
            throw new Error("no memory");
          }
        },
        onRun: async () => {
          await choose([() => undefined, () => sleep(0)])();
          if (choose(Array.from({ length: 60 }, (_, i) => i)) === 0) {
            throw new Error("device lost");
          }
        },
      });
      const model = await workbenchOf(bytes, {}, runtime as Runtime);
      const runs: AttackRun<AttackStep, AttackResult>[] = [];
      const pending: Promise<unknown>[] = [];
      const actions = [
        () => model.predict(choose(scenes).image),
        () => model.describe(choose([undefined, [4, 4], [6, 6]] as const)),
        () => {
          const { image: x, target: y } = choose(scenes);
          return model.verify(x, y, { original: x });
        },
        async () => {
          const { image: x, target: y } = choose(scenes);
          const choice = choose<AttackChoice>([
            { iterations: 3 },
            { attack: "pgd", iterations: 2, epsilon: 0.2 },
            { iterations: 0 },
          ]);
          runs.push(await model.attack(x, y, choice));
        },
        async () => await choose(runs)?.[Symbol.asyncIterator]().next(),
        async () => await choose(runs)?.[Symbol.asyncIterator]().return(undefined),
        async () => await choose(runs)?.result,
      ];
      const count = choose([3, 5, 8]);
      for (let k = 0; k < count; k++) {
        const isLate = choose([0, 0, 0, 0, 0, 0, 0, 1]) === 1;
        const call: Promise<unknown> = isLate ? model.release() : choose(actions)();
        // Looked at below; until then nobody waits for it.
        call.catch(() => undefined);
        pending.push(call);
        if (choose([true, false])) {
          await sleep(0);
        }
      }
      const endings = Promise.allSettled(pending);
      await sleep(choose([0, 2, 10]));
      // Who waits for the result of a run that nobody drives is told, too.
      await model.release();
      for (const ending of await endings) {
        if (ending.status === "rejected") {
          const { code } = ending.reason as { code?: string };
          known.add(code ?? "none");
          if (!isAsmaError(ending.reason)) {
            unnamed.push(ending.reason);
          }
        }
      }

      expect(runtime.open, `round ${round}`).toBe(0);
    }
    expect(unnamed).toEqual([]);
    // All of these came up, or the test tries nothing.
    expect([...known]).toEqual(
      expect.arrayContaining([
        "ERR_RELEASED",
        "ERR_RUNTIME",
        "ERR_SESSION",
        "ERR_OPTION",
        "ERR_ABORTED",
      ]),
    );
  },
);
