import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Target } from "@onnx-asma/autodiff";
import {
  findAttack,
  registerAttack,
  type AttackChoice,
  type AttackResult,
  type ImageTensor,
  type LabelMap,
  type StepRecord,
} from "@onnx-asma/core";
import { readNpy } from "@onnx-asma/node";
import {
  differingLabels,
  goldenImage,
  goldenLabels,
  goldenModel,
  largestDifference,
  releaseGoldenModels,
  unpackLabels,
} from "./golden-model.ts";

/** One file in `family/`; README.md says what the fields mean. */
interface Golden {
  readonly attack: string;
  readonly model: string;
  readonly targeted: boolean;
  /** PGD and MI-FGSM have their options beside the other fields, the others in `options`. */
  readonly norm?: "linf" | "l2";
  readonly loss?: "cross-entropy" | "margin";
  readonly epsilon?: number;
  readonly alpha?: number;
  readonly mu?: number;
  /** Options of the attack and of the run that have no field of their own, handed over as they are. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly image: string;
  readonly target: string;
  readonly start: string | null;
  readonly finalImage: string;
  /** What a float32 run may differ by, where that is not the usual. */
  readonly tolerance?: { readonly loss: number; readonly norms: number; readonly share: number };
  readonly labelBits: number;
  readonly iouDefinition: "foreground" | "mean-target";
  readonly steps: readonly (Pick<
    StepRecord,
    "loss" | "wrongPixels" | "pixelAccuracy" | "iou" | "l1" | "l2" | "linf" | "gradientL2"
  > & { readonly prediction: string; readonly logs?: Readonly<Record<string, number>> })[];
}

const folder = new URL("family/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));

afterAll(releaseGoldenModels);

it("has both norms, both attacks, and two and five classes", () => {
  const both = ["pgd-linf-ce", "pgd-l2-ce", "mi-fgsm-linf"];
  const wanted = both.flatMap((name) => [
    `${name}-two.json`,
    `${name}-five.json`,
  ]);
  wanted.push("mi-fgsm-l2-five.json", "fmn-linf-two.json", "alma-prox-five.json");
  wanted.push("asma-plus-l2-two.json", "asma-plus-linf-five.json");
  for (const name of ["seg-pgd", "cos-pgd"]) {
    wanted.push(`${name}-linf-two.json`, `${name}-l2-five.json`);
    wanted.push(`${name}-linf-untargeted-five.json`, `${name}-l2-untargeted-two.json`);
  }
  wanted.push("apgd-linf-ce-two.json", "apgd-l2-ce-five.json", "apgd-l2-masked-two.json");
  wanted.push("apgd-linf-masked-untargeted-five.json", "apgd-l2-balanced-five.json");
  expect(names).toEqual(expect.arrayContaining(wanted));
});

describe.each(["any", "cpu"] as const)("with a graph for %s", (target) => {
  it.each(names)("follows %s", async (name) => {
    const golden = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Golden;
    const { result, predictions } = await follow(golden, target);
    const allowed = golden.tolerance ?? { loss: 1e-5, norms: 1e-4, share: 0 };
    expect(result.trajectory).toHaveLength(golden.steps.length + 1);
    golden.steps.forEach((expected, n) => {
      const found = result.trajectory[n] as StepRecord;
      const at = `step ${n}`;
      const differing = differingLabels(
        predictions[n] as LabelMap,
        unpackLabels(expected.prediction, golden.labelBits),
      );
      expect(differing, `labels of ${at}`).toBe(0);
      const pixels = (predictions[n] as LabelMap).data.length;
      // In the file a pixel is wrong when it has not the label, whatever the goal.
      const notTheLabel = golden.targeted ? found.wrongPixels : pixels - found.wrongPixels;
      expect(notTheLabel, at).toBe(expected.wrongPixels);
      expect(found.iou, at).toBeCloseTo(expected.iou, 6);
      expect(found.pixelAccuracy, at).toBeCloseTo(expected.pixelAccuracy, 6);
      const lossDifference = Math.abs(found.loss - expected.loss);
      expect(lossDifference, at).toBeLessThan(allowed.loss * Math.max(1, Math.abs(expected.loss)));
      for (const norm of ["l1", "l2", "linf", "gradientL2"] as const) {
        const difference = Math.abs(found[norm] - expected[norm]);
        expect(difference, `${norm} of ${at}`).toBeLessThanOrEqual(
          allowed.norms * expected[norm] + 1e-9,
        );
      }
      for (const [name, value] of Object.entries(expected.logs ?? {})) {
        expect(found.logs[name], `${name} of ${at}`).toBeCloseTo(value, 6);
      }
    });
    const final = await goldenImage(folder, golden.finalImage);
    const { data } = result.last.image;
    const far = data.filter((v, i) => Math.abs(v - (final.data[i] as number)) >= 1e-5);
    expect(far.length / data.length).toBeLessThanOrEqual(allowed.share);
  });
});

async function follow(
  golden: Golden,
  graphTarget: Target,
): Promise<{ result: AttackResult; predictions: LabelMap[] }> {
  const image = await goldenImage(folder, golden.image);
  const target = await goldenLabels(folder, golden.target);
  const model = await goldenModel(golden.model, graphTarget);
  const choice = {
    attack: golden.start === null ? golden.attack : await startingAt(golden.attack, golden.start),
    ...given(golden, ["norm", "loss", "epsilon", "alpha", "mu"]),
    ...golden.options,
    targeted: golden.targeted,
    iterations: golden.steps.length,
    earlyStop: false,
    levels: "float",
    iouDefinition: golden.iouDefinition,
  };
  const run = await model.attack(image, target, choice as AttackChoice);
  const predictions: LabelMap[] = [];
  for await (const { prediction } of run) {
    predictions.push(await prediction());
  }
  return { result: await run.result, predictions };
}

/** Those of the fields that the file has. */
function given(golden: Golden, names: readonly (keyof Golden)[]): Partial<Golden> {
  return Object.fromEntries(names.flatMap((name) => (name in golden ? [[name, golden[name]]] : [])));
}

let starts = 0;

/** The attack, with the start that the file gives in place of a random one. */
async function startingAt(attack: string, file: string): Promise<string> {
  const definition = findAttack(attack);
  const { data } = await goldenImage(folder, file);
  const name = `${attack}-started-${starts++}`;
  registerAttack({
    ...definition,
    name,
    recipe: (options, facts) => ({
      ...definition.recipe(options as never, facts),
      start: () => data.slice(),
    }),
  });
  return name;
}

describe.each(["any", "cpu"] as const)("a batch of four with a graph for %s", (target) => {
  it.each<AttackChoice>([
    { attack: "asma", beta: 2e-4, tau: 2e-5, iterations: 25, levels: "float", iouDefinition: "mean-target" },
    { attack: "asma", iterations: 40, levels: 256, iouDefinition: "mean-target" },
    { attack: "pgd", norm: "l2", epsilon: 2, iterations: 25, levels: "float", iouDefinition: "mean-target" },
    { attack: "mi-fgsm", norm: "l2", epsilon: 2, iterations: 25, levels: "float", iouDefinition: "mean-target" },
  ])("follows the single runs of %o", async (choice) => {
    const { images, targets } = await batch();
    const model = await goldenModel("unet-legacy.onnx", target);
    const run = await model.attackBatch(images, targets, choice);
    const predictions: (LabelMap | undefined)[][] = [];
    for await (const step of run) {
      predictions.push(await Promise.all(step.images.map(async (each) => await each?.prediction())));
    }
    const results = await run.result;
    for (const [i, image] of images.entries()) {
      const alone = await model.attack(image, targets[i] as LabelMap, choice);
      const labels: LabelMap[] = [];
      for await (const { prediction } of alone) {
        labels.push(await prediction());
      }
      const expected = await alone.result;
      const found = results[i] as AttackResult;
      expect(found.stopReason).toBe(expected.stopReason);
      expect(found.reached).toBe(expected.reached);
      expect(found.best.step).toBe(expected.best.step);
      expect(found.trajectory).toHaveLength(expected.trajectory.length);
      expected.trajectory.forEach((record, n) => {
        const own = labels[n] as LabelMap;
        expect(differingLabels(predictions[n]?.[i] as LabelMap, (k) => own.data[k] as number)).toBe(0);
        const { l2, linf, iou } = found.trajectory[n] as StepRecord;
        expect(Math.abs(l2 - record.l2)).toBeLessThanOrEqual(1e-4 * record.l2 + 1e-9);
        expect(Math.abs(linf - record.linf)).toBeLessThanOrEqual(1e-4 * record.linf + 1e-9);
        expect(iou).toBeCloseTo(record.iou, 6);
      });
      expect(largestDifference(found.best.image.data, expected.best.image.data)).toBeLessThan(1e-5);
    }
  });
});

async function batch(): Promise<{ images: ImageTensor[]; targets: LabelMap[] }> {
  const read = async (name: string) => await readNpy(fileURLToPath(new URL(name, folder)));
  const [images, targets] = [await read("batch-images.npy"), await read("batch-targets.npy")];
  const [, c, h, w] = images.dims as [number, number, number, number];
  const size = targets.dims.slice(-2) as unknown as [number, number];
  const part = <T extends Float32Array | Int32Array>(data: T, i: number, of: number) =>
    data.slice((i * data.length) / of, ((i + 1) * data.length) / of) as T;
  return {
    images: [0, 1, 2, 3].map((i) => ({
      data: part(images.data as Float32Array, i, 4),
      dims: [1, c, h, w],
    })),
    targets: [0, 1, 2, 3].map((i) => ({
      data: part(Int32Array.from(targets.data as Uint8Array), i, 4),
      dims: size,
    })),
  };
}
