import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import type { StepRecord } from "@onnx-asma/core";
import { deltaE, seenLab, visions } from "../../../../test/support/colour-vision.ts";
import { panelsOf } from "./trajectory-panels.ts";
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
      const svg = trajectoryPlot(stepsOf(count), {
        thresholds: { iou: 0.95, pixelAccuracy: 0.99 },
        best: 0,
      });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain("IoU (dashed: goal 95 %)");
    }
  });

  it("leaves out values that are not finite", () => {
    const steps = stepsOf(6).map((s) =>
      s.step % 2 ? { ...s, iou: NaN, l2: Infinity, logs: { speed: -Infinity } } : s,
    );
    expect(trajectoryPlot(steps, { thresholds: { iou: NaN } })).not.toMatch(/NaN|Infinity/);
    expect(
      trajectoryPlot(steps.map((s) => ({ ...s, l2: NaN, step: s.step ? s.step : NaN }))),
    ).not.toMatch(/NaN/);
  });

  it("marks single steps when there are few and only lines when there are many", () => {
    expect(trajectoryPlot(stepsOf(5)).match(/<circle/g)).toHaveLength(25);
    expect(trajectoryPlot(stepsOf(2500))).not.toContain("<circle");
  });

  it.each<[string[], string[], number]>([
    [[], ["L1 of the change"], 720],
    [["a"], [">a<"], 720],
    [["a", "b"], [">a, b<"], 720],
    [["a", "b", "c"], [">a, b, c<"], 720],
    [["a", "b", "c", "d"], [">a, b<", ">c, d<", "L1 of the change"], 1068],
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

  it("has curves in a panel that are told apart with every common colour vision", () => {
    const rgb = (colour: string) =>
      [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as never;
    for (const { series } of panelsOf(stepsOf(2, ["a", "b", "c"]), {})) {
      for (const vision of visions) {
        series.forEach((a, i) =>
          series.slice(i + 1).forEach((b) => {
            const apart = deltaE(seenLab(rgb(a.colour), vision), seenLab(rgb(b.colour), vision));
            expect(apart, `${a.name}, ${b.name}, ${vision}`).toBeGreaterThan(15);
          }),
        );
      }
    }
  });

  it("rasterises", () => {
    expect(decode(trajectoryPlotPng(stepsOf(5)))).toMatchObject({ width: 1568, height: 1008 });
  });

  it("says what it is of, and what came of it", () => {
    const svg = trajectoryPlot(stepsOf(5), {
      title: "model.onnx on <image>.png",
      lines: ["ASMA. Reached in 3 steps: 97.20 % IoU."],
      best: 3,
    });
    expect(svg).toContain(">model.onnx on &lt;image&gt;.png<");
    expect(svg).toContain(">ASMA. Reached in 3 steps: 97.20 % IoU.<");
    expect(svg).toContain(">Dotted: the best iterate, of step 3.<");
    expect(dashes(svg, "1.5 3.5")).toBe(4);
  });

  it("draws a goal where one was set, and none where none was", () => {
    expect(dashes(trajectoryPlot(stepsOf(5)), "5 4")).toBe(0);
    const one = trajectoryPlot(stepsOf(5), {
      thresholds: { iou: 0.95, pixelAccuracy: undefined },
      iouDefinition: "mean-target",
    });
    expect(dashes(one, "5 4")).toBe(1);
    expect(one).toContain("IoU, mean over the target&apos;s classes (dashed: goal 95 %)");
    expect(one).toContain(">pixel accuracy<");
    const untargeted = trajectoryPlot(stepsOf(5), { thresholds: { iou: 0.05 }, targeted: false });
    expect(untargeted).toContain("Agreement with the labels to leave");
    expect(untargeted).toContain("IoU (dashed: goal at most 5 %)");
    const both = trajectoryPlot(stepsOf(5), { thresholds: { iou: 0.95, pixelAccuracy: 0.99 } });
    expect(dashes(both, "5 4")).toBe(2);
  });

  it("draws a goal at its height", () => {
    // The axis of shares goes from 0 to 100 %; ticks at both ends tell where they lie.
    const svg = trajectoryPlot(stepsOf(5), { thresholds: { iou: 0.8 } });
    const heightsIn = (part: string | undefined) =>
      [...(part ?? "").matchAll(/ y1="([\d.]+)"/g)].map((match) => Number(match[1]));
    const [grid] = /<g[^>]*aria-label="y-grid">.*?<\/g>/.exec(svg) ?? [];
    const [rule] = /<g[^>]*stroke-dasharray="5 4".*?<\/g>/.exec(svg) ?? [];
    const [zero, whole] = [Math.max(...heightsIn(grid)), Math.min(...heightsIn(grid))];
    const [y = 0] = heightsIn(rule);
    expect((zero - y) / (zero - whole)).toBeCloseTo(0.8, 6);
  });

  it("tells L-infinity in levels of the file, with the budget where there is one", () => {
    const svg = trajectoryPlot(stepsOf(5), {
      levels: 256,
      budget: { norm: "linf", epsilon: 8 / 255 },
    });
    expect(svg).toContain("L∞ of the change, in levels of 255");
    expect(svg).toContain("L∞ (dashed: budget 8)");
    expect(dashes(svg, "5 4")).toBe(1);
    expect(trajectoryPlot(stepsOf(5), { levels: undefined })).toContain(">L∞ of the change<");
    const l2 = trajectoryPlot(stepsOf(5), { budget: { norm: "l2", epsilon: 1.5 } });
    expect(l2).toContain("L2 (dashed: budget 1.5)");
  });
});

/** How many lines of a figure are dashed so. */
function dashes(svg: string, pattern: string): number {
  return svg.split(`stroke-dasharray="${pattern}"`).length - 1;
}
