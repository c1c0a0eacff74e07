import type { Session } from "@onnx-asma/autodiff";
import { describe, expect, it } from "vitest";
import { CountingRuntime } from "../../../../test/support/counting-runtime.ts";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";

const image = thresholdImage();
const target = thresholdTarget((i) => i >= 32 && i < 48);

/** The untouched model, with kernels that see class 1 only well above the border. */
function stubborn(by: number): CountingRuntime {
  return new CountingRuntime({
    alter: (results, { inputNames }: Session) => {
      const scores = results["scores"];
      if (inputNames[0] === "x" && scores !== undefined) {
        const data = scores.data as Float32Array;
        data.forEach((v, i) => (data[i] = i < data.length / 2 ? v + by : v - by));
      }
    },
  });
}

async function attack(runtime: CountingRuntime, choice: AttackChoice) {
  const model = await workbenchOf(thresholdModel(), {}, runtime);
  try {
    const result = await (await model.attack(image, target, choice)).result;
    const verdict = await model.verify(result.best.image, target, { original: image });
    return { result, verdict };
  } finally {
    await model.release();
    expect(runtime.open).toBe(0);
  }
}

const choices: [string, AttackChoice][] = [
  ["asma", { iouThreshold: 0.95 }],
  ["asma on 8 bits", { iouThreshold: 0.95, levels: 256 }],
  ["asma with given steps", { beta: 1e-3, tau: 1e-3 }],
  ["asma without early stop", { beta: 5e-3, tau: 5e-3, earlyStop: false, iterations: 150 }],
  ["pgd", { attack: "pgd", epsilon: 0.2, iterations: 60 }],
];

describe.each(choices)("with %s", (_, choice) => {
  it("goes on until the untouched model agrees", async () => {
    const { result, verdict } = await attack(stubborn(0.03), choice);
    expect(result.reached).toBe(true);
    expect(verdict.reached).toBe(true);
    expect(result.best.judged).toMatchObject({ reached: true, iou: verdict.iou });
    const doubted = result.trajectory.filter(({ judged }) => judged?.reached === false);
    expect(doubted.length).toBeGreaterThan(0);
    expect(result.passes.judgements).toBeLessThanOrEqual(33);
    expect(result.passes.forwards).toBe(result.trajectory.length + result.passes.judgements);
  });

  it("asks once where they agree, and the numbers are those without a judge", async () => {
    const { result } = await attack(new CountingRuntime(), choice);
    expect(result.reached).toBe(true);
    if (choice.earlyStop !== false) {
      expect(result.passes.judgements).toBe(1);
    }
    expect(result.trajectory.every(({ judged }) => judged?.reached !== false)).toBe(true);
  });
});

it("says not reached, within bounds, where the untouched model never agrees", async () => {
  const { result, verdict } = await attack(stubborn(5), { iterations: 400 });
  expect(result.reached).toBe(false);
  expect(result.stopReason).toBe("iterations");
  expect(verdict.reached).toBe(false);
  expect(result.passes.judgements).toBeLessThanOrEqual(33);
});
