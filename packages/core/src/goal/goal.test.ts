import fc from "fast-check";
import { expect, it } from "vitest";
import type { StepRecord } from "../attack/step-record.ts";
import { Goal, type Candidate } from "./goal.ts";

const thresholds = { iou: 0.95, pixelAccuracy: 0 };
const goalOf = (keeps: "closest" | "strongest", budget?: number) =>
  new Goal({ thresholds, targeted: true, keeps, norm: "l2", budget });

function record(iou: number, wrongPixels: number, l2: number): StepRecord {
  const pixelAccuracy = 1 - wrongPixels / 1000;
  return {
    step: 0,
    iou,
    pixelAccuracy,
    wrongPixels,
    loss: 0,
    l1: 0,
    l2,
    linf: 0,
    gradientL2: 0,
    logs: {},
  };
}

function bestOf(goal: Goal, records: readonly StepRecord[]): Candidate {
  let best: Candidate | undefined;
  for (const each of records) {
    const candidate = { record: each, reached: goal.holds(each) };
    if (goal.isBetter(candidate, best)) {
      best = candidate;
    }
  }
  return best as Candidate;
}

const records = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 }))
    .map(([wrong, norm]) => record(0.5 + 0.04 * (9 - wrong), wrong, norm)),
  { minLength: 1, maxLength: 12 },
);

it.each(["closest", "strongest"] as const)(
  "among unreached ones nothing has fewer wrong pixels at no larger norm (%s)",
  (keeps) => {
    fc.assert(
      fc.property(records, (all) => {
        const { record: best, reached } = bestOf(goalOf(keeps), all);
        expect(reached).toBe(false);
        for (const { wrongPixels, l2 } of all) {
          expect(wrongPixels < best.wrongPixels && l2 <= best.l2).toBe(false);
        }
      }),
    );
  },
);

it("prefers what reaches the goal, then the smaller norm or, within a budget, fewer wrong pixels", () => {
  const far = record(0.99, 1, 3);
  const near = record(0.96, 5, 1);
  const missed = record(0.9, 0, 0.1);
  expect(bestOf(goalOf("closest"), [missed, far, near]).record).toBe(near);
  expect(bestOf(goalOf("strongest"), [missed, near, far]).record).toBe(far);
});

it("is not moved by stray pixels of a class that the target lacks", () => {
  // 12 wrong pixels of 65,536 beside an untouched image with thousands.
  const untouched = record(0.5872, 9000, 0);
  const attacked = record(0.55, 12, 0.44);
  expect(bestOf(goalOf("closest"), [untouched, attacked]).record).toBe(attacked);
});

it("admits nothing beyond the budget but rounding", () => {
  const goal = goalOf("strongest", 1);
  expect(goal.admits(record(0, 0, 1.00005))).toBe(true);
  expect(goal.admits(record(0, 0, 1.001))).toBe(false);
});

it("holds 1 − IoU and 1 − accuracy to the thresholds where labels are to be left", () => {
  const goal = new Goal({
    thresholds: { iou: 0.9, pixelAccuracy: 0.5 },
    targeted: false,
    keeps: "strongest",
    norm: "l2",
    budget: undefined,
  });
  expect(goal.holds({ iou: 0.05, pixelAccuracy: 0.4 })).toBe(true);
  expect(goal.holds({ iou: 0.05, pixelAccuracy: 0.6 })).toBe(false);
  expect(goal.holds({ iou: 0.2, pixelAccuracy: 0.1 })).toBe(false);
});
