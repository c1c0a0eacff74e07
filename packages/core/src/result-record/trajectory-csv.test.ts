import { expect, it } from "vitest";
import type { StepRecord } from "../attack/step-record.ts";
import { trajectoryCsv } from "./trajectory-csv.ts";

const header =
  "step,iou,pixel_accuracy,wrong_pixels,loss,l1,l2,linf,gradient_l2,judged_iou,judged_pixel_accuracy,judged_wrong_pixels";

const step: StepRecord = {
  step: 3,
  iou: 1 / 3,
  pixelAccuracy: 0.9,
  wrongPixels: 12,
  loss: -4.5,
  l1: 30,
  l2: 2,
  linf: 0.1,
  gradientL2: 8,
  logs: { speed: 1.1e-7 },
};

it("writes full precision, and nothing where a value is missing", () => {
  const judged = { iou: 0.25, pixelAccuracy: 0.8, wrongPixels: 24, reached: false };
  const steps = [
    step,
    { ...step, step: 4, iou: NaN, logs: {} },
    { ...step, step: 5, judged, logs: { phase: 2, speed: Infinity } },
  ];
  expect(trajectoryCsv(steps)).toBe(
    `${header},speed,phase\n` +
      "3,0.3333333333333333,0.9,12,-4.5,30,2,0.1,8,,,,1.1e-7,\n" +
      "4,,0.9,12,-4.5,30,2,0.1,8,,,,,\n" +
      "5,0.3333333333333333,0.9,12,-4.5,30,2,0.1,8,0.25,0.8,24,,2\n",
  );
  expect(trajectoryCsv([])).toBe(`${header}\n`);
});
