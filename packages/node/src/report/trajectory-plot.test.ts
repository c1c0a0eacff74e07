import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import type { StepRecord } from "@onnx-asma/core";
import { trajectoryPlot, trajectoryPlotPng } from "./trajectory-plot.ts";

const stepsOf = (count: number, logs: readonly string[] = ["speed"]): StepRecord[] =>
  Array.from({ length: count }, (_, step) => {
    const part = step / count;
    return {
      step,
      iou: part,
      pixelAccuracy: 0.8 + part / 5,
      wrongPixels: count - step,
      loss: part,
      l1: 90 * part,
      l2: 5 * part,
      linf: part / 50,
      gradientL2: 1,
      logs: Object.fromEntries(logs.map((name, i) => [name, 10 ** -i * (1 + part)])),
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
      s.step % 2 ? { ...s, iou: NaN, l2: Infinity, logs: { speed: -Infinity } } : s,
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

  it.each<[string[], string[], number]>([
    [[], ["L1 of the perturbation"], 720],
    [["a"], [">a<"], 720],
    [["a", "b"], [">a, b<"], 720],
    [["a", "b", "c"], [">a, b, c<"], 720],
    [["a", "b", "c", "d"], [">a, b<", ">c, d<", "L1 of the perturbation"], 1068],
    [["a", "b", "c", "d", "e", "f", "g"], [">a, b, c<", ">d, e, f<", ">g<"], 1068],
  ])("has panels for the logs %j in full rows", (logs, titles, height) => {
    const svg = trajectoryPlot(stepsOf(5, logs));
    expect(svg).toContain(`height="${height}"`);
    for (const title of titles) {
      expect(svg).toContain(title);
    }
    expect(svg.match(/<g transform="translate\([\d.]+ [\d.]+\)"><text/g)).toHaveLength(
      height === 720 ? 4 : 6,
    );
  });

  it("rasterises", () => {
    expect(decode(trajectoryPlotPng(stepsOf(5)))).toMatchObject({ width: 1568, height: 1008 });
  });
});
