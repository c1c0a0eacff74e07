import { describe, expect, it } from "vitest";
import { percent } from "./percent.ts";
import { verdictWords, type Outcome } from "./verdict-words.ts";

const outcome: Outcome = {
  reached: true,
  stopReason: "reached",
  options: {
    targeted: true,
    iouDefinition: "mean-target",
    iouThreshold: 0.95,
    pixelAccuracyThreshold: 0,
  },
  steps: 50,
  best: { step: 40 },
  saved: { iou: 0.972, pixelAccuracy: 0.9969, l2: 1.8442, linf: 6 / 255, reached: true },
  classes: [
    { name: "ground", pixelsTarget: 900, pixelsAfter: 905, iouAfter: 0.99 },
    { name: "disc", pixelsTarget: 100, pixelsAfter: 95, iouAfter: 0.954 },
    { name: "cup", pixelsTarget: 0, pixelsAfter: 0, iouAfter: null },
  ],
  visibility: {
    psnr: 48.94,
    ssim: 0.99804,
    changedPixels: 0.081,
    levels: 256,
    p99Levels: 3,
    largestLevels: 6,
  },
};
const goalOf = (changed: Partial<Outcome>) => verdictWords({ ...outcome, ...changed }).goal;
const options = (changed: Partial<Outcome["options"]>) => ({
  options: { ...outcome.options, ...changed },
});
const saved = (changed: Partial<Outcome["saved"]>) => ({ saved: { ...outcome.saved, ...changed } });
const missed = { reached: false, stopReason: "iterations" } as const;

describe("the goal", () => {
  it("names measure, goal and the worst class beside a mean", () => {
    expect(goalOf({})).toBe(
      "Reached in 40 steps: the model draws the target with 97.20 % IoU (mean over the target's classes; goal 95 %); worst class disc: 95.40 %.",
    );
  });

  it("calls a class without a name once", () => {
    const unnamed = outcome.classes.map((each, c) => ({ ...each, name: `class ${c}` }));
    expect(goalOf({ classes: unnamed })).toMatch(/; worst class 1: 95\.40 %\.$/);
  });

  it("leaves the worst class out where the figure is no mean, or a mean of one", () => {
    expect(goalOf({ ...options({ iouDefinition: "foreground" }), best: { step: 1 } })).toBe(
      "Reached in 1 step: the model draws the target with 97.20 % IoU (foreground; goal 95 %).",
    );
    expect(goalOf({ classes: outcome.classes.slice(1) })).not.toContain("worst");
  });

  it("tells what the target does not have and a mean over its classes hides", () => {
    const [ground, disc, cup] = outcome.classes as [never, never, Outcome["classes"][number]];
    const stray = { ...cup, pixelsAfter: 1200, iouAfter: 0 };
    expect(goalOf({ classes: [ground, disc, stray] })).toMatch(
      /worst class disc: 95\.40 %; 1,200 px of cup that the target does not have\.$/,
    );
    expect(goalOf({ classes: [ground, disc, stray, stray] })).toMatch(
      /; 2,400 px of 2 classes that the target does not have\.$/,
    );
    expect(
      goalOf({ classes: [ground, disc, stray], ...options({ iouDefinition: "mean-present" }) }),
    ).toMatch(/worst class cup: 0\.00 %\.$/);
  });

  it("says how far a missed goal is, and why it was missed", () => {
    const far = { ...missed, ...saved({ iou: 0.431, reached: false }) };
    expect(goalOf(far)).toBe(
      "Not reached in 50 steps: 43.10 % IoU with the target (mean over the target's classes; goal 95 %); worst class disc: 95.40 %.",
    );
    for (const [stopReason, reason] of [
      ["aborted", "It was stopped."],
      ["failed", "The run failed."],
      ["gradient vanished", "The gradient vanished."],
      ["gradient not a number", "The gradient is not a number."],
      ["reached", "The floating-point image reached it, the saved file does not."],
    ] as const) {
      expect(goalOf({ ...far, stopReason }).endsWith(`. ${reason}`)).toBe(true);
    }
    expect(goalOf(missed)).toMatch(/exceeds the budget\.$/);
  });

  it("tells erasing and leaving in their own words", () => {
    expect(goalOf({ ...options({ iouDefinition: "erased" }), classes: [] })).toBe(
      "Reached in 40 steps: 97.20 % of what the target does not have is erased (goal 95 %).",
    );
    expect(goalOf({ ...options({ targeted: false }), ...saved({ iou: 0.03201 }) })).toBe(
      "Reached in 40 steps: 3.21 % IoU with the labels to leave (mean over the target's classes; goal 5 % at most); worst class ground: 99.00 %.",
    );
  });

  it("tells the goal that was set: pixels, both, none", () => {
    const foreground = { iouDefinition: "foreground" } as const;
    expect(goalOf(options({ ...foreground, iouThreshold: 0, pixelAccuracyThreshold: 0.995 }))).toBe(
      "Reached in 40 steps: 99.69 % of the pixels are as the target has them (goal 99.5 %).",
    );
    expect(goalOf(options({ ...foreground, pixelAccuracyThreshold: 0.995 }))).toBe(
      "Reached in 40 steps: the model draws the target with 97.20 % IoU (foreground; goal 95 %); 99.69 % of the pixels are as the target has them (goal 99.5 %).",
    );
    expect(goalOf(options({ ...foreground, iouThreshold: 0 }))).toBe(
      "No goal was set: 97.20 % IoU with the target (foreground).",
    );
  });
});

describe("the change", () => {
  const changeOf = (visibility: Partial<Outcome["visibility"]>) =>
    verdictWords({ ...outcome, visibility: { ...outcome.visibility, ...visibility } }).change;

  it("is told in levels of the file, norms, pixels and quality", () => {
    expect(changeOf({})).toBe(
      "The picture changed by at most 6 of 255 levels (99 % of the changed values by at most 3; L∞ 0.0235, L2 1.84), in 8.10 % of its pixels; PSNR 48.9 dB, SSIM 0.9980.",
    );
    expect(
      changeOf({ levels: 65536, largestLevels: 1234.4, p99Levels: 0.0123, ssim: null }),
    ).toMatch(/at most 1,234\.4 of 65,535 levels \(99 % .* 0\.012; .*PSNR 48\.9 dB\.$/);
    expect(changeOf({ ssim: 0.99999 })).toMatch(/SSIM 0\.9999\.$/);
  });

  it("is none where nothing changed", () => {
    expect(
      changeOf({ psnr: null, ssim: 1, changedPixels: 0, p99Levels: 0, largestLevels: 0 }),
    ).toBe("The picture did not change.");
  });
});

it("rounds shares so that a missed goal does not read as held", () => {
  expect([0.95, Math.fround(0.95), 0.949999, 0.9999999, 1, 0, 1e-9].map((v) => percent(v))).toEqual(
    ["95.00 %", "95.00 %", "94.99 %", "99.99 %", "100.00 %", "0.00 %", "0.00 %"],
  );
  expect([0.05, 0.050001, 0, 1e-9, 1].map((v) => percent(v, "up"))).toEqual([
    "5.00 %",
    "5.01 %",
    "0.00 %",
    "0.01 %",
    "100.00 %",
  ]);
});
