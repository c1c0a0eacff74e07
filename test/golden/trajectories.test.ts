import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { Target } from "@onnx-asma/autodiff";
import type { AttackChoice, AttackResult, LabelMap, StepRecord } from "@onnx-asma/core";
import {
  differingLabels,
  goldenImage,
  goldenLabels,
  goldenModel,
  largestDifference,
  releaseGoldenModels,
  unpackLabels,
} from "./golden-model.ts";

/** One file in `trajectories/`; README.md says what the fields mean. */
interface Golden {
  readonly model: string;
  readonly flavour: "reference" | "adv_lib" | "ours";
  readonly attack: "ssm" | "asm";
  readonly classes: number;
  readonly dpm: boolean;
  readonly lambda: number;
  readonly beta?: number;
  readonly tau?: number;
  readonly alpha?: number;
  readonly image: string;
  readonly target: string;
  readonly finalImage: string;
  readonly labelBits: number;
  readonly best?: { readonly step: number; readonly reached: boolean; readonly image: string };
  readonly steps: readonly GoldenStep[];
}

interface GoldenStep {
  readonly alpha: number;
  readonly iou: number;
  readonly wrongPixels: number;
  readonly l2Start: number;
  readonly linfStart: number;
  readonly l2Unclipped: number;
  readonly linfUnclipped: number;
  readonly prediction: string;
}

const folder = new URL("trajectories/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));

afterAll(releaseGoldenModels);

it("has every combination that is asked for", () => {
  const wanted = ["ssm", "asm"].flatMap((attack) =>
    ["dpm", "constant"].flatMap((step) => [0, 1].map((l) => `reference-${attack}-${step}-lambda${l}.json`)),
  );
  expect(names).toEqual(expect.arrayContaining([...wanted, "adv_lib-two.json", "adv_lib-three.json"]));
});

describe.each(["any", "cpu"] as const)("with a graph for %s", (target) => {
  it.each(names)("follows %s", async (name) => {
    const golden = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Golden;
    const { result, predictions } = await follow(golden, target);
    expect(result.trajectory).toHaveLength(golden.steps.length + 1);
    golden.steps.forEach((expected, n) => compare(result.trajectory[n] as StepRecord, expected, golden, n));
    golden.steps.forEach((expected, n) => {
      expect(differingLabels(predictions[n] as LabelMap, unpackLabels(expected.prediction, golden.labelBits)), `labels of step ${n}`).toBe(0);
    });
    const final = await goldenImage(folder, golden.finalImage);
    expect(largestDifference(result.last.image.data, final.data)).toBeLessThan(1e-5);
  });
});

it.each(names.filter((name) => name.startsWith("adv_lib")))("keeps the iterate that adv_lib keeps in %s", async (name) => {
  const golden = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Golden;
  // adv_lib judges x_0 … x_29 only.
  const { result } = await follow(golden, "any", golden.steps.length - 1);
  expect(result.reached).toBe(golden.best?.reached);
  if (result.reached) {
    const best = await goldenImage(folder, golden.best?.image as string);
    expect(result.best.step).toBe(golden.best?.step);
    expect(largestDifference(result.best.image.data, best.data)).toBeLessThan(1e-5);
  }
});

function compare(found: StepRecord, expected: GoldenStep, golden: Golden, n: number): void {
  const { logs } = found;
  const log = (name: string) => logs[name] ?? Number.NaN;
  const iou = golden.flavour === "reference" ? log("unclippedIou") : found.iou;
  const at = `step ${n}`;
  expect(found.wrongPixels, at).toBe(expected.wrongPixels);
  expect(Math.abs(iou - expected.iou), at).toBeLessThan(1e-6);
  if (isErasing(golden)) {
    // The golden run has no growth for empty targets: a constant step follows it until IoU is 1.
    expect(expected.iou === 1 || Math.abs(log("alpha") - expected.alpha) < 1e-6, at).toBe(true);
  } else {
    expect(Math.abs(log("alpha") - expected.alpha), at).toBeLessThan(1e-6);
  }
  expectRelative(found.l2, expected.l2Start, at);
  expectRelative(found.linf, expected.linfStart, at);
  if (golden.flavour === "reference") {
    expectRelative(log("unclippedL2"), expected.l2Unclipped, at);
    expectRelative(log("unclippedLinf"), expected.linfUnclipped, at);
  }
}

function expectRelative(found: number, expected: number, at: string): void {
  expect(Math.abs(found - expected), at).toBeLessThanOrEqual(1e-4 * Math.abs(expected) + 1e-9);
}

function isErasing(golden: Golden): boolean {
  return golden.flavour === "ours" && golden.target.includes("empty");
}

async function follow(
  golden: Golden,
  graphTarget: Target,
  iterations = golden.steps.length,
): Promise<{ result: AttackResult; predictions: LabelMap[] }> {
  const image = await goldenImage(folder, golden.image);
  const target = await goldenLabels(folder, golden.target);
  const model = await goldenModel(golden.model, graphTarget);
  const isDynamic = golden.dpm && !isErasing(golden);
  const choice: AttackChoice = {
    attack: "asma",
    variant: golden.attack === "ssm" ? (isDynamic ? "ssm+dpm" : "ssm") : isDynamic ? "asma" : "asm",
    flavour: golden.flavour === "ours" ? "default" : golden.flavour,
    ...(isDynamic
      ? { beta: golden.beta, tau: golden.tau }
      : { alpha: isErasing(golden) ? golden.tau : golden.alpha }),
    lambda: golden.lambda,
    iterations,
    earlyStop: false,
    levels: "float",
    // The definitions that the files were made with.
    ...(golden.flavour === "ours" && {
      iouDefinition: golden.classes === 2 ? "foreground" : "mean-present",
    }),
    ...(golden.flavour === "adv_lib" && { iouThreshold: 0, pixelAccuracyThreshold: 0.99 }),
  };
  const run = await model.attack(image, target, choice);
  const predictions: LabelMap[] = [];
  for await (const { prediction } of run) {
    predictions.push(await prediction());
  }
  return { result: await run.result, predictions };
}
