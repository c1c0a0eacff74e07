import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import { describe, expect, it } from "vitest";
import { CountingRuntime } from "../../../../test/support/counting-runtime.ts";
import {
  thresholdImage,
  thresholdModel,
  thresholdSize,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";
import { registerAttackFamily } from "./index.ts";

registerAttackFamily();

/** Three classes; `scale` multiplies all scores, and `common` is added to all of them, pixel by pixel. */
function slopesModel(scale: number, common: number): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, thresholdSize, thresholdSize] });
  const slopes = [-1, 1, 0.2].map((slope) => scale * (slope + common));
  const biases = [0.5, -0.5, -0.3].map((bias) => scale * bias);
  const w = b.constant("float32", [3, 1, 1, 1], slopes);
  const conv = b.op("Conv", [x, w, b.constant("float32", [3], biases)], {
    group: 1,
    kernel_shape: [1, 1],
  });
  b.output(conv, "scores");
  return writeModel(b.build().model, "embed").bytes;
}

const target = thresholdTarget((i) => i >= 32 && i < 48);

async function norms(bytes: Uint8Array, norm: "l2" | "linf"): Promise<number[]> {
  const model = await workbenchOf(bytes);
  const choice: AttackChoice = { attack: "asma+", norm, iterations: 30, iouThreshold: 1 };
  const { reached, trajectory } = await (
    await model.attack(thresholdImage(), target, choice)
  ).result;
  await model.release();
  expect(reached).toBe(true);
  return trajectory.map((record) => record[norm]);
}

describe.each(["l2", "linf"] as const)("asma+ in %s", (norm) => {
  it("takes the same steps whatever the scale of the scores, and whatever they have in common", async () => {
    const plain = await norms(slopesModel(1, 0), norm);
    expect(plain.at(-1)).toBeGreaterThan(0);
    for (const bytes of [slopesModel(1000, 0), slopesModel(0.001, 0), slopesModel(1, 0.5)]) {
      const other = await norms(bytes, norm);
      other.forEach((size, n) => {
        expect(Math.abs(size - (plain[n] as number))).toBeLessThan(1e-4);
      });
    }
  });
});

it("grows again where the untouched model refuses what seemed to be reached", async () => {
  const runtime = new CountingRuntime({
    alter: (results, { inputNames }) => {
      const data = results["scores"]?.data as Float32Array | undefined;
      if (inputNames[0] === "x" && data !== undefined) {
        data.forEach((v, i) => (data[i] = i < data.length / 2 ? v + 0.03 : v - 0.03));
      }
    },
  });
  const model = await workbenchOf(thresholdModel(), {}, runtime);
  const run = await model.attack(thresholdImage(), target, { attack: "asma+", iouThreshold: 1 });
  const { reached, trajectory, best } = await run.result;
  await model.release();
  const refused = trajectory.findIndex(({ judged }) => judged?.reached === false);
  expect(refused).toBeGreaterThanOrEqual(0);
  expect(reached).toBe(true);
  expect(best.judged?.reached).toBe(true);
  expect(best.l2).toBeGreaterThan(trajectory[refused]?.l2 as number);
});
