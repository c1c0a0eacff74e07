import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder, readModel, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { allAttacks } from "../attacks/index.ts";
import type { AttackDefinition } from "../attack/attack-definition.ts";
import { describeOptions } from "../attack/describe-options.ts";
import type { StepRecord } from "../attack/step-record.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import { perturbationNorms } from "../metrics/perturbation-norms.ts";
import type { AttackResult } from "../run/attack-result.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";
import { Workbench } from "../workbench/workbench.ts";
import { registerAttackFamily } from "./index.ts";

registerAttackFamily();

const size = 8;
const [channels, hidden, classes] = [3, 6, 5] as const;
const pixels = size ** 2;

/** Numbers in [−1, 1] that look random and are always the same. */
const wave = (length: number, phase: number) =>
  Array.from({ length }, (_, i) => Math.sin(1 + 2.3 * i + phase + 0.7 * i * i));

/** 1×1 convolutions with a Relu between: what a pixel's scores are depends on that pixel alone. Its batch is free. */
function pixelwiseModel(): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, channels, size, size] });
  const conv = (input: typeof x, [to, from]: readonly [number, number], phase: number) => {
    const weights = wave(to * from, phase).map((v) => 3 * v);
    const w = b.constant("float32", [to, from, 1, 1], weights);
    const bias = b.constant("float32", [to], wave(to, phase + 2));
    return b.op("Conv", [input, w, bias], { group: 1, kernel_shape: [1, 1] });
  };
  const inner = b.op("Relu", [conv(x, [hidden, channels], 0)]);
  b.output(conv(inner, [classes, hidden], 1), "scores");
  const { model } = b.build();
  for (const { type } of [...model.graph.input, ...model.graph.output]) {
    const dim = type?.value.case === "tensorType" ? type.value.value.shape?.dim[0] : undefined;
    if (dim !== undefined) {
      dim.value = { case: "dimParam", value: "N" };
    }
  }
  return writeModel(model, "embed").bytes;
}

const imageOf = (phase: number): ImageTensor => ({
  // Some of the values are 0 and 1, where the box is felt.
  data: Float32Array.from(wave(channels * pixels, phase), (v) => {
    const level = Math.round(255 * Math.min(1, Math.max(0, 0.5 + 0.6 * v)));
    return level / 255;
  }),
  dims: [1, channels, size, size],
});

const isIgnored = (i: number) => i % 7 === 3;
const mayChange = (i: number) => i % size < 6;

const targetOf = (shift: number): LabelMap => ({
  data: Int32Array.from({ length: pixels }, (_, i) =>
    isIgnored(i) ? -1 : Math.floor((i + shift) / 9) % classes,
  ),
  dims: [size, size],
});

const [image, target] = [imageOf(0), targetOf(0)];
const iterations = 14;

let model: Workbench;
beforeAll(async () => {
  const host = { runtime: ort as Runtime, sessionOptions: undefined, target: "any" } as const;
  model = new Workbench(await readModel(pixelwiseModel()), {}, host);
});
afterAll(async () => await model.release());

/** All choices of a norm, and ways to and from labels, that an attack has. */
function choicesOf(definition: AttackDefinition): AttackChoice[] {
  const norms = describeOptions(definition.options).find(({ key }) => key === "norm")?.choices;
  const ways = definition.canLeave === true ? [true, false] : [true];
  return (norms ?? [undefined]).flatMap((norm) =>
    ways.map((targeted) => {
      const epsilon = norm === "l2" ? 0.7 : 0.1;
      const hasBudget = "epsilon" in definition.options;
      return {
        attack: definition.name,
        ...(norm !== undefined && { norm }),
        ...(hasBudget && { epsilon }),
        // At its usual rate PDPGD stays at the image for longer than these steps.
        ...("dualRate" in definition.options && { dualRate: 1 }),
        targeted,
        iterations,
        earlyStop: false,
        levels: "float",
      } as AttackChoice;
    }),
  );
}

const all = allAttacks().flatMap((definition) =>
  choicesOf(definition).map((choice) => ({ definition, choice, name: JSON.stringify(choice) })),
);

/** The steps of a run, their images and its result. */
async function attacked(choice: AttackChoice, on = image) {
  const run = await model.attack(on, target, choice);
  const images: Float32Array[] = [];
  for await (const step of run) {
    images.push((await step.image()).data);
  }
  return { images, result: await run.result };
}

/** The budget that the options come to. */
function budgetOf({ attack: { name, options } }: AttackResult) {
  const definition = allAttacks().find((each) => each.name === name) as AttackDefinition;
  return { epsilon: definition.budget?.(options), norm: definition.norm(options) };
}

describe.each(all)("$name", ({ choice, definition }) => {
  it("keeps to the box, the region and the budget, and leaves the input and ignored pixels alone", async () => {
    const region = Float32Array.from({ length: pixels }, (_, i) => (mayChange(i) ? 1 : 0));
    const before = image.data.slice();
    const { images, result } = await attacked({ ...choice, region });
    expect(image.data).toEqual(before);
    const { epsilon = Number.POSITIVE_INFINITY, norm } = budgetOf(result);
    for (const data of [...images, result.best.image.data]) {
      expect(data.every((v) => v >= 0 && v <= 1)).toBe(true);
      data.forEach((v, k) => {
        const i = k % pixels;
        if (!mayChange(i) || isIgnored(i)) {
          expect(v).toBe(before[k]);
        }
      });
      const norms = perturbationNorms({ data, dims: image.dims }, image);
      expect(norms[norm]).toBeLessThanOrEqual(epsilon * (1 + 1e-4));
    }
    expect(images.at(-1)).not.toEqual(before);
    expect(result.trajectory.every((record) => record.loss === record.loss)).toBe(true);
  });

  it("hands back an image of a file's levels that is in the budget", async () => {
    const { result } = await attacked({ ...choice, levels: 256 });
    const { epsilon = Number.POSITIVE_INFINITY, norm } = budgetOf(result);
    const { best } = result;
    expect(perturbationNorms(best.image, image)[norm]).toBeLessThanOrEqual(epsilon * (1 + 1e-4));
    expect(best.image.data.every((v) => Math.abs(v * 255 - Math.round(v * 255)) < 1e-4)).toBe(true);
  });

  it("comes to the same bytes by the same seed", async () => {
    const isRandom = "randomStart" in definition.options;
    const options = { ...choice, ...(isRandom && { randomStart: true, seed: 3 }) } as AttackChoice;
    const [a, b] = [await attacked(options), await attacked(options)];
    expect(a.images).toEqual(b.images);
    expect(a.result.best.image.data).toEqual(b.result.best.image.data);
    if (isRandom) {
      const other = await attacked({ ...options, seed: 4 });
      expect(other.images[0]).not.toEqual(a.images[0]);
    }
  });

  it("does with each image of a batch what it does with it alone", async () => {
    const [images, targets] = [
      [image, imageOf(5)],
      [target, targetOf(4)],
    ];
    const results = await (await model.attackBatch(images, targets, choice)).result;
    for (const [i, each] of images.entries()) {
      const run = await model.attack(each, targets[i] as LabelMap, choice);
      const alone = await run.result;
      const found = results[i] as AttackResult;
      expect(found.trajectory).toHaveLength(alone.trajectory.length);
      alone.trajectory.forEach((record, n) => {
        const { wrongPixels, l2, loss } = found.trajectory[n] as StepRecord;
        expect(wrongPixels, `wrong pixels of step ${n}`).toBe(record.wrongPixels);
        expect(Math.abs(l2 - record.l2), `l2 of step ${n}`).toBeLessThan(1e-4 * record.l2 + 1e-6);
        expect(Math.abs(loss - record.loss), `loss of step ${n}`).toBeLessThan(
          1e-4 * Math.abs(record.loss) + 1e-5,
        );
      });
    }
  });
});
