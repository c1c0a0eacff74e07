import type { AttackChoice, ImageTensor, LabelMap, StepRecord } from "@onnx-asma/core";
import type { LoadedModel } from "../loaded-model.ts";
import type { AttackEntry } from "./attack-entries.ts";
import type { CaseGroup } from "./attack-cases.ts";

/** What an attack came to on one case. */
export interface CaseFigures {
  /** Passes to the first iterate that seems to reach the goal; null where there is none. */
  readonly first: number | null;
  /** Norm of the closest one after so many passes, by number of passes; null where there is none. */
  readonly norms: Readonly<Record<number, number | null>>;
  /** Whether the untouched model sees the goal reached on the image as its file holds it. */
  readonly isSaved: boolean;
}

/** What an attack is to do. */
interface Scene {
  readonly image: ImageTensor;
  readonly target: LabelMap;
  readonly group: CaseGroup;
}

/** Runs an attack on one case: once, or where it is scheduled once for each number of passes. */
export async function runCase(
  model: LoadedModel,
  scene: Scene,
  entry: AttackEntry,
  norm: "l2" | "linf",
  passes: readonly number[],
): Promise<CaseFigures> {
  const runs: CaseFigures[] = [];
  for (const choice of entry.choices) {
    for (const iterations of entry.isScheduled ? passes : [Math.max(...passes)]) {
      const counted = entry.isScheduled ? [iterations] : passes;
      runs.push(
        await runOnce(model, scene, { ...choice, iterations } as AttackChoice, norm, counted),
      );
    }
  }
  return {
    first: least(runs.map(({ first }) => first)),
    norms: Object.fromEntries(
      passes.map((count) => [count, least(runs.map(({ norms }) => norms[count] ?? null))]),
    ),
    isSaved: runs.every(({ first, isSaved }) => first === null || isSaved),
  };
}

async function runOnce(
  model: LoadedModel,
  { image, target, group }: Scene,
  choice: AttackChoice,
  norm: "l2" | "linf",
  passes: readonly number[],
): Promise<CaseFigures> {
  const { iouThreshold, pixelAccuracyThreshold = 0 } = group.thresholds;
  const run = await model.attack(image, target, {
    ...choice,
    ...group.thresholds,
    earlyStop: false,
  });
  const { reached, trajectory } = await run.result;
  const holds = ({ iou, pixelAccuracy, judged }: StepRecord) =>
    judged?.reached ?? (iou >= iouThreshold && pixelAccuracy >= pixelAccuracyThreshold);
  const there = trajectory.filter(holds);
  const closest = (count: number) =>
    least(there.filter(({ step }) => step <= count).map((record) => record[norm]));
  return {
    first: there[0]?.step ?? null,
    norms: Object.fromEntries(passes.map((count) => [count, closest(count)])),
    isSaved: reached,
  };
}

function least(list: readonly (number | null)[]): number | null {
  const numbers = list.filter((each) => each !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}
