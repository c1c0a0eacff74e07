import { expect, it } from "vitest";
import { trajectoryCsv } from "./trajectory-csv.ts";

it("writes full precision, and nothing where a value is missing", () => {
  const step = {
    step: 3,
    alpha: 1.1e-7,
    iou: 1 / 3,
    pixelAccuracy: 0.9,
    wrongPixels: 12,
    loss: -4.5,
    l2: 2,
    linf: 0.1,
  };
  expect(trajectoryCsv([step, { ...step, step: 4, iou: NaN, loss: undefined }])).toBe(
    "step,alpha,iou,pixel_accuracy,wrong_pixels,loss,l2,linf\n" +
      "3,1.1e-7,0.3333333333333333,0.9,12,-4.5,2,0.1\n" +
      "4,1.1e-7,,0.9,12,,2,0.1\n",
  );
  expect(trajectoryCsv([])).toBe("step,alpha,iou,pixel_accuracy,wrong_pixels,loss,l2,linf\n");
});
