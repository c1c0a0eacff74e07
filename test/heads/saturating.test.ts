import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { AttackResult, LabelMap } from "@onnx-asma/core";
import { loadModel } from "@onnx-asma/node";
import { headModel, withDynamicDims } from "../support/segmentation-models.ts";
import { workbenchOf } from "../support/workbench-of.ts";

const folder = new URL(".", import.meta.url).pathname;
const heads = JSON.parse(await readFile(`${folder}/heads.json`, "utf8")) as readonly {
  readonly name: string;
  readonly classes: number;
  readonly channels: number;
}[];
const sure = heads.filter(({ name }) => name.startsWith("sure-") && !name.endsWith("-logits"));

const iterations = 500;

/** Class 1 in a disc, class 0 around it. */
function disc({ data, dims }: LabelMap): LabelMap {
  const width = dims[1] as number;
  const labels = data.map((_, i) => {
    const y = Math.floor(i / width) / width - 0.45;
    const x = (i % width) / width - 0.55;
    return x * x + y * y < 0.07 ? 1 : 0;
  });
  return { data: labels, dims };
}

/** Attacks with the default attack until it is reached, and compares the first step with the untouched model. */
async function attack(name: string, outputKind: "auto" | "logit" | "logits") {
  const model = await loadModel(`${folder}/models/${name}.onnx`, { outputKind });
  try {
    const image = await model.readImage(`${folder}/picture.png`);
    const before = await model.predict(image);
    const run = await model.attack(image, disc(before), { iterations });
    for await (const step of run) {
      if (step.step === 0) {
        const seen = (await step.prediction()).data;
        expect(seen.filter((label, i) => label !== before.data[i]).length).toBeLessThanOrEqual(2);
      }
    }
    const result = await run.result;
    const verdict = await model.verify(result.best.image, disc(before), { original: image });
    expect(verdict.reached).toBe(result.reached);
    return { result, description: await model.describe() };
  } finally {
    await model.release();
  }
}

const steps = ({ trajectory }: AttackResult) => trajectory.length - 1;

describe("models whose probabilities float32 rounds to 0 and 1", () => {
  it.each(sure)("$name is reached as its logits are", { timeout: 120_000 }, async (head) => {
    const { result, description } = await attack(head.name, "auto");
    const twin = await attack(`${head.name}-logits`, head.channels === 1 ? "logit" : "logits");
    console.log(
      `${head.name}: ${steps(result)} steps, L2 ${result.best.l2.toFixed(2)}; logits ${steps(twin.result)}${twin.result.reached ? "" : " (not reached)"}, L2 ${twin.result.best.l2.toFixed(2)}`,
    );
    expect(result.reached).toBe(true);
    expect(result.best.iou).toBeGreaterThanOrEqual(0.95);
    expect(steps(result)).toBeLessThanOrEqual(1.5 * steps(twin.result));
    expect(description.decisions.find(({ what }) => what === "scores")?.is).toMatch(
      /gradients pass (Softmax|Sigmoid|min–max normalization) at a temperature/,
    );
    expect(result.notices.join("\n")).toContain("saturated");
    expect(twin.result.notices.join("\n")).not.toContain("saturated");
  });
});

describe("what is sure and resized", () => {
  /** Softmax of scores times 100, twice as large; [N, 3, 6, 8] to [N, 3, 12, 16]. */
  const bytes = withDynamicDims(
    headModel(
      [1, 3, 6, 8],
      [0, 0.1, 0.2],
      [
        ["Mul", ["scores", "hundred"], "z"],
        ["Softmax", ["z"], "p", { axis: 1 }],
        ["Resize", ["p", "", "scales"], "out", { mode: "linear" }],
      ],
      { hundred: { dims: [], data: [100] }, scales: { dims: [4], data: [1, 1, 2, 2] } },
    ),
    [0],
  );
  const dims = [1, 3, 6, 8] as const;
  const imageOf = (seed: number) => ({
    data: Float32Array.from({ length: 144 }, (_, i) => ((i * 53 + i * i * seed) % 97) / 96),
    dims,
  });

  it("is attacked on the image's grid, away from labels, and by other losses", async () => {
    const bench = await workbenchOf(bytes, { grid: "image" });
    const [image, other] = [imageOf(1), imageOf(3)];
    const [labels, target] = [await bench.predict(image), await bench.predict(other)];
    for (const [aim, choice] of [
      [target, {}],
      [target, { attack: "pgd", epsilon: 0.5 }],
      [labels, { attack: "pgd", epsilon: 0.5, targeted: false }],
    ] as const) {
      const { best, trajectory } = await (await bench.attack(image, aim, choice)).result;
      expect(best.wrongPixels).toBeLessThanOrEqual((trajectory[0]?.wrongPixels ?? 0) / 3);
    }
    await bench.release();
  });

  it("is attacked in a batch as alone", async () => {
    const bench = await workbenchOf(bytes);
    const images = [imageOf(1), imageOf(3)];
    const targets = [await bench.predict(imageOf(5)), await bench.predict(imageOf(7))];
    const choice = { iterations: 20, beta: 1e-4, tau: 1e-4, levels: "float" } as const;
    const results = await (await bench.attackBatch(images, targets, choice)).result;
    for (const [i, image] of images.entries()) {
      const alone = await (await bench.attack(image, targets[i] as LabelMap, choice)).result;
      const together = results[i] as AttackResult;
      expect(together.trajectory.map(({ wrongPixels }) => wrongPixels)).toEqual(
        alone.trajectory.map(({ wrongPixels }) => wrongPixels),
      );
      expect(together.last.l2).toBeCloseTo(alone.last.l2, 5);
      expect(alone.last.l2).toBeGreaterThan(0);
    }
    await bench.release();
  });
});
