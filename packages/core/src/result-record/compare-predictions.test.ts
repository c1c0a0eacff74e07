import { expect, it } from "vitest";
import type { LabelMap } from "../image.ts";
import { comparePredictions } from "./compare-predictions.ts";

const map = (...labels: number[]): LabelMap => ({
  data: Int32Array.from(labels),
  dims: [1, labels.length],
});
const classNames = ["ground", "disc", "cup"];

it("counts each class, and names the worst", () => {
  const { classes, worstClass, agreement, erased } = comparePredictions({
    before: map(0, 0, 1, 1, 1, 2),
    target: map(0, 0, 1, 1, -1, 1),
    after: map(0, 0, 1, 0, 2, 1),
    classNames,
  });
  expect(classes).toEqual([
    { ...name(0), pixelsBefore: 2, pixelsTarget: 2, pixelsAfter: 3, iouBefore: 1, iouAfter: 2 / 3 },
    {
      ...name(1),
      pixelsBefore: 2,
      pixelsTarget: 3,
      pixelsAfter: 2,
      iouBefore: 2 / 3,
      iouAfter: 2 / 3,
    },
    { ...name(2), pixelsBefore: 1, pixelsTarget: 0, pixelsAfter: 0, iouBefore: 0, iouAfter: null },
  ]);
  expect(worstClass?.class).toBe(0);
  expect(agreement.before).toMatchObject({ pixelAccuracy: 4 / 5, wrongPixels: 1 });
  expect(agreement.after.iou).toEqual({
    foreground: null,
    "mean-target": 2 / 3,
    erased: 1,
    "mean-present": 2 / 3,
    "mean-all": expect.closeTo(4 / 9, 5),
  });
  expect(erased).toEqual({ pixelsBefore: 1, pixelsAfter: 0, share: 1 });
});

it("tells the share that is gone of a class that is hidden, step by step", () => {
  const hidden = (...after: number[]) =>
    comparePredictions({
      before: map(1, 1, 1, 1, 0),
      target: map(0, 0, 0, 0, 0),
      after: map(...after),
      classNames: ["ground", "disc"],
    });
  expect(hidden(1, 0, 0, 0, 0).erased).toEqual({ pixelsBefore: 4, pixelsAfter: 1, share: 0.75 });
  expect(hidden(1, 0, 0, 0, 0).agreement.before.iou.erased).toBe(0);
  expect(hidden(1, 0, 0, 0, 0).agreement.after.iou).toMatchObject({ foreground: 0, erased: 0.75 });
  // More than before is none.
  expect(hidden(1, 1, 1, 1, 1).erased?.share).toBe(0);
});

it("has nothing to erase where the target has all that is drawn", () => {
  const labels = map(0, 1);
  const { erased } = comparePredictions({
    before: labels,
    target: labels,
    after: labels,
    classNames: ["ground", "disc"],
  });
  expect(erased).toBeNull();
});

function name(label: number) {
  return { class: label, name: classNames[label] };
}
