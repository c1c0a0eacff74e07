import { describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import type { AttackResult, LabelMap } from "@onnx-asma/core";
import { loadModel } from "@onnx-asma/node";

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
      /gradients pass (Softmax|Sigmoid|min–max normalization) as if/,
    );
    expect(result.notices.join("\n")).toContain("saturated");
    expect(twin.result.notices.join("\n")).not.toContain("saturated");
  });
});
