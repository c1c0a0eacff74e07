import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import { perturbationNorms } from "../metrics/perturbation-norms.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";
import type { Workbench } from "../workbench/workbench.ts";

const image = thresholdImage();
const eightBit = { ...image, levels: undefined };
const target = thresholdTarget((i) => i >= 32 && i < 48);

let model: Workbench;
beforeAll(async () => {
  model = await workbenchOf(thresholdModel());
});
afterAll(async () => await model.release());

const attack = async (choice: AttackChoice, on = image) =>
  await (
    await model.attack(on, target, choice)
  ).result;

it("is FGSM with one step", async () => {
  const { last, attack: used } = await attack({ attack: "pgd", iterations: 1, epsilon: 0.05 });
  expect(used.options).toMatchObject({ alpha: 0.05, epsilon: 0.05 });
  last.image.data.forEach((v, i) => {
    // Upwards towards class 1, downwards away from it.
    const wanted = (target.data[i] === 1 ? 0.05 : -0.05) + (image.data[i] as number);
    expect(v).toBeCloseTo(wanted, 6);
  });
});

it("takes 2.5·epsilon over the steps as step size, and 40 steps, where nothing is said", async () => {
  const { attack: used, options } = await attack({ attack: "pgd", epsilon: 0.05 });
  expect(options.iterations).toBe(40);
  expect(used.options["alpha"]).toBeCloseTo((2.5 * 0.05) / 40, 12);
});

describe.each(["pgd", "mi-fgsm"] as const)("%s", (name) => {
  it.each([
    ["linf", 0.15],
    ["l2", 0.9],
  ] as const)("reaches what lies within a budget in %s, and stays in it", async (norm, epsilon) => {
    const choice = { attack: name, norm, epsilon, iterations: 40 } as const;
    const { reached, best, trajectory } = await attack(choice);
    expect(reached).toBe(true);
    for (const record of trajectory) {
      expect(record[norm]).toBeLessThanOrEqual(epsilon * (1 + 1e-4));
    }
    expect(perturbationNorms(best.image, image)[norm]).toBeLessThanOrEqual(epsilon * (1 + 1e-4));
  });

  it.each([
    ["linf", 0.03],
    ["l2", 0.4],
    ["l2", 0.05],
  ] as const)(
    "hands back nothing outside the budget of an 8-bit image: %s %d",
    async (norm, epsilon) => {
      const choice = { attack: name, norm, epsilon, iterations: 30, earlyStop: false } as const;
      const { best, trajectory } = await attack(choice, eightBit);
      expect(perturbationNorms(best.image, image)[norm]).toBeLessThanOrEqual(epsilon * (1 + 1e-4));
      // And it is used: rounding does not hold the image where it was.
      expect(Math.max(...trajectory.map((record) => record[norm]))).toBeGreaterThan(0.5 * epsilon);
    },
  );

  it("keeps the iterate with the fewest wrong pixels", async () => {
    const { best, trajectory, reached } = await attack({ attack: name, epsilon: 0.09 });
    expect(reached).toBe(false);
    expect(best.wrongPixels).toBe(Math.min(...trajectory.map(({ wrongPixels }) => wrongPixels)));
  });
});

it("uses whole levels of an 8-bit image, and refuses less than one", async () => {
  const { attack: used } = await attack({ attack: "pgd", epsilon: 0.03 }, eightBit);
  expect(used.options["epsilon"]).toBe(7 / 255);
  await expect(attack({ attack: "pgd", epsilon: 0.003 }, eightBit)).rejects.toMatchObject({
    code: "ERR_OPTION",
  });
  // Exactly one level is one level, however it is written.
  const one = await attack({ attack: "pgd", epsilon: 1 / 255 }, eightBit);
  expect(one.attack.options["epsilon"]).toBe(1 / 255);
});

describe("a random start", () => {
  const choice = { attack: "pgd", epsilon: 0.2, randomStart: true, iterations: 1 } as const;
  const firstOf = async (extra: AttackChoice) => {
    const run = await model.attack(image, target, { ...choice, ...extra } as AttackChoice);
    for await (const step of run) {
      return { data: (await step.image()).data, step };
    }
    throw new Error("no step");
  };

  it.each(["linf", "l2"] as const)(
    "lies in the ball of %s, and is the same for a seed",
    async (norm) => {
      const [a, b, c] = [
        await firstOf({ attack: "pgd", norm, seed: 3 }),
        await firstOf({ attack: "pgd", norm, seed: 3 }),
        await firstOf({ attack: "pgd", norm, seed: 4 }),
      ];
      expect(a.data).toEqual(b.data);
      expect(a.data).not.toEqual(c.data);
      expect(a.step[norm]).toBeLessThanOrEqual(0.2 * (1 + 1e-5));
      expect(a.step[norm]).toBeGreaterThan(0.1);
      expect(a.data.every((v) => v >= 0 && v <= 1)).toBe(true);
    },
  );

  it("changes nothing outside the region", async () => {
    const region = Float32Array.from({ length: 64 }, (_, i) => (i >= 32 ? 1 : 0));
    const { data } = await firstOf({ attack: "pgd", region });
    data.forEach((v, i) => i < 32 && expect(v).toBe(image.data[i]));
    expect(data.subarray(32)).not.toEqual(image.data.subarray(32));
  });
});

it("leads away from labels", async () => {
  const labels = await model.predict(image);
  const run = await model.attack(image, labels, {
    attack: "pgd",
    epsilon: 0.15,
    targeted: false,
    iouThreshold: 0.9,
    pixelAccuracyThreshold: 0.9,
  });
  const { reached, best, options } = await run.result;
  expect(options.targeted).toBe(false);
  expect(reached).toBe(true);
  expect(best.pixelAccuracy).toBeLessThanOrEqual(0.1);
  expect(best.wrongPixels).toBe(Math.round(64 * best.pixelAccuracy));
  const verdict = await model.verify(best.image, labels, {
    original: image,
    targeted: false,
    iouThreshold: 0.9,
    pixelAccuracyThreshold: 0.9,
  });
  expect(verdict).toMatchObject({ reached: true, wrongPixels: best.wrongPixels });
});

it("never calls it reached outside the budget, also where rounding alone leads there", async () => {
  const choice = { attack: "pgd", norm: "l2", epsilon: 0.1, levels: 3, iouThreshold: 0 } as const;
  const { reached, notices, budget } = await attack(choice);
  expect(budget).toEqual({ norm: "l2", epsilon: 0.1 });
  expect(reached).toBe(false);
  expect(notices).toEqual([expect.stringContaining("rounding to 3 levels")]);
});

it("says when it cannot use the budget that was asked for", async () => {
  const { attack: used, notices } = await attack({ attack: "pgd", epsilon: 0.03 }, eightBit);
  expect(used.options["epsilon"]).toBe(7 / 255);
  expect(notices).toEqual([expect.stringContaining("`epsilon` is 0.02745 instead of 0.03")]);
  // As the help prints 8/255.
  const printed = await attack({ attack: "pgd", epsilon: 0.03137 }, eightBit);
  expect(printed.attack.options["epsilon"]).toBe(8 / 255);
});
