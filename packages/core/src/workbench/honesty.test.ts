import { afterAll, beforeAll, expect, it } from "vitest";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import { registerAttack } from "../attacks/index.ts";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import type { LabelMap } from "../image.ts";
import type { Workbench } from "./workbench.ts";

const image = thresholdImage();
const target = thresholdTarget((i) => i >= 32 && i < 48);

let model: Workbench;
beforeAll(async () => {
  model = await workbenchOf(thresholdModel());
});
afterAll(async () => await model.release());

const refused = (code: string) => expect.objectContaining({ code }) as Error;

it.each([
  [7, "ERR_TARGET_CLASS"],
  [-2, "ERR_TARGET_CLASS"],
  [-1, "ERR_TARGET_EMPTY"],
])("verifies no labels that are all %i", async (label, code) => {
  const labels: LabelMap = { ...target, data: target.data.map(() => label) };
  await expect(model.verify(image, labels, { original: image })).rejects.toThrow(refused(code));
});

it("says when the untouched image reaches the goal, and when rounding undid every step", async () => {
  const own = await model.predict(image);
  const reached = await (await model.attack(image, own)).result;
  expect(reached).toMatchObject({ reached: true, best: { step: 0, l2: 0 } });
  expect(reached.notices).toEqual([expect.stringMatching(/nothing was attacked/)]);

  const grey = { ...image, data: image.data.map((v) => Math.round(v * 255) / 255), levels: 256 };
  const choice = { attack: "pgd", norm: "l2", epsilon: 0.005, iterations: 10 } as const;
  const undone = await (await model.attack(grey, target, choice)).result;
  expect(undone.reached).toBe(false);
  expect(undone.notices).toEqual([expect.stringMatching(/256 levels undid every step/)]);
  const floats = await (await model.attack(grey, target, { ...choice, levels: "float" })).result;
  expect(floats.notices).toEqual([]);
});

it("refuses an image of other channels before anything is loaded, and a region that is none", async () => {
  const rows = { data: image.data, dims: [1, 8, 8, 1] as const };
  await expect(model.predict(rows)).rejects.toThrow(refused("ERR_IMAGE_DIMS"));
  for (const region of [5, null, { data: image.data, dims: [8, 8] }]) {
    const choice = { region } as unknown as { region: Float32Array };
    await expect(model.attack(image, target, choice)).rejects.toThrow(refused("ERR_REGION"));
  }
});

it("takes the numbers that arrays had when it was asked", async () => {
  const given = { ...image, data: image.data.slice() };
  const labels = { ...target, data: target.data.slice() };
  const expected = await model.verify(image, target, { original: image });
  const pending = [model.predict(given), model.verify(given, labels, { original: image })] as const;
  given.data.fill(0.9);
  labels.data.fill(0);
  const [prediction, verdict] = await Promise.all(pending);
  expect(prediction.data).toEqual((await model.predict(image)).data);
  expect(verdict).toMatchObject({ iou: expected.iou, l2: 0 });
});

it("names a number that a schedule leaves out", async () => {
  registerAttack(
    defineAttack({
      name: "forgetful",
      title: "Forgetful",
      summary: "Leaves a number out.",
      paper: "none",
      options: {},
      graph: [],
      keeps: () => "closest",
      norm: () => "l2",
      recipe: () =>
        defineRecipe({
          state: {},
          numbers: ["alpha"],
          step: (c) => {
            const loss = [{ value: c.scores, weight: c.targetOneHot }];
            const u = c.ops.add(c.x, c.ops.mul(c.gradientOf(loss), c.n.alpha));
            return { x: c.box(u), loss };
          },
          schedule: () => ({ next: () => ({ alhpa: 1 }) as unknown as { alpha: number } }),
        }),
    }),
  );
  const run = await model.attack(image, target, { attack: "forgetful" } as never);
  await expect(run.result).rejects.toMatchObject({
    code: "ERR_ATTACK",
    message: expect.stringMatching(/'alpha' .*'forgetful' .*alhpa/) as string,
  });
});
