import { expect, it } from "vitest";
import { disc } from "@onnx-asma/core/targets";
import { golden, unet } from "../../../../test/support/golden-scene.ts";
import { readNpy } from "../images/npy.ts";
import { loadModel } from "../load-model.ts";
import { caseGroups, heldOutPictures, type CaseGroup } from "./attack-cases.ts";
import { attackEntries, type AttackEntry } from "./attack-entries.ts";
import { runCase } from "./attack-run.ts";

it("has twenty pictures, five groups, and the peers of either norm", async () => {
  expect(await heldOutPictures()).toHaveLength(20);
  expect(caseGroups).toHaveLength(5);
  for (const norm of ["l2", "linf"] as const) {
    expect(attackEntries(norm)[0]?.name).toBe("asma+");
    expect(attackEntries(norm).length).toBeGreaterThan(4);
  }
});

it("reads one run at several numbers of passes, and runs a scheduled attack for each", async () => {
  const model = await loadModel(unet);
  const { data, dims } = await readNpy(golden("family/two.image.npy"));
  const image = {
    data: Float32Array.from(data),
    dims: dims as unknown as readonly [1, number, number, number],
    levels: 256,
  };
  const group = { thresholds: { iouThreshold: 0.9 } } as CaseGroup;
  const scene = { image, target: disc([36, 36], [18, 18], 9), group };
  const passes = [5, 20, 40];
  const anytime = attackEntries("l2")[0] as AttackEntry;
  const figures = await runCase(model, scene, anytime, "l2", passes);
  expect(figures.isSaved).toBe(true);
  expect(figures.first).toBeGreaterThan(0);
  expect(figures.norms[40]).toBeLessThanOrEqual(figures.norms[20] as number);
  expect(figures.norms[5]).toBeNull();
  const fmn = attackEntries("l2").find(({ name }) => name === "fmn") as AttackEntry;
  const scheduled = await runCase(model, scene, fmn, "l2", [20, 40]);
  expect(scheduled.norms[40]).toBeGreaterThan(0);
  await model.release();
});
