import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import type { TrajectoryStep } from "./trajectory.ts";
import { trajectoryPlot, trajectoryPlotPng } from "./trajectory-plot.ts";

const stepsOf = (count: number): TrajectoryStep[] =>
  Array.from({ length: count }, (_, step) => {
    const part = step / count;
    return {
      step,
      iou: part,
      pixelAccuracy: 0.8 + part / 5,
      l2: 5 * part,
      linf: part / 50,
      alpha: 1e-6 * part + 1e-7,
    };
  });

describe("trajectoryPlot", () => {
  it("draws any number of steps without NaN", () => {
    for (const count of [0, 1, 5, 2500]) {
      const svg = trajectoryPlot(stepsOf(count), { iou: 0.95, pixelAccuracy: 0.99 });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain("IoU (goal 95 %)");
    }
  });

  it("leaves out values that are not finite", () => {
    const steps = stepsOf(6).map((s) =>
      s.step % 2 ? { ...s, iou: NaN, l2: Infinity, alpha: -Infinity } : s,
    );
    expect(trajectoryPlot(steps, { iou: NaN })).not.toMatch(/NaN|Infinity/);
    expect(
      trajectoryPlot(steps.map((s) => ({ ...s, l2: NaN, step: s.step ? s.step : NaN }))),
    ).not.toMatch(/NaN/);
  });

  it("marks single steps when there are few and only lines when there are many", () => {
    expect(trajectoryPlot(stepsOf(5)).match(/<circle/g)).toHaveLength(25);
    expect(trajectoryPlot(stepsOf(2500))).not.toContain("<circle");
  });

  it("rasterises", () => {
    expect(decode(trajectoryPlotPng(stepsOf(5)))).toMatchObject({ width: 1568, height: 1008 });
  });
});
