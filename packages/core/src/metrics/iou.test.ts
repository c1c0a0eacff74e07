import { expect, it } from "vitest";
import type { LabelMap } from "../image.ts";
import { confusionMatrix } from "./confusion-matrix.ts";
import { iou } from "./iou.ts";
import { pixelAccuracy } from "./pixel-accuracy.ts";

const map = (...labels: number[]): LabelMap => ({
  data: Int32Array.from(labels),
  dims: [1, labels.length],
});

it("measures the paper's IoU on class 1", () => {
  const matrix = confusionMatrix(map(1, 1, 0, 0, 1), map(1, 0, 0, 1, 1), 2);
  expect(iou(matrix, "foreground")).toBe(2 / 4);
  expect(pixelAccuracy(matrix)).toBe(3 / 5);
});

it("says 1 for two empty masks and 0 when only one is empty", () => {
  expect(iou(confusionMatrix(map(0, 0), map(0, 0), 2), "foreground")).toBe(1);
  expect(iou(confusionMatrix(map(0, 1), map(0, 0), 2), "foreground")).toBe(0);
  expect(iou(confusionMatrix(map(0, 0), map(0, 1), 2), "foreground")).toBe(0);
});

it("averages over the classes that occur, or over all", () => {
  const matrix = confusionMatrix(map(0, 0, 1, 1), map(0, 1, 1, 1), 4);
  expect(iou(matrix, "mean-present")).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
  expect(iou(matrix, "mean-all")).toBeCloseTo((1 / 2 + 2 / 3) / 4, 6);
});

it("does not count ignored pixels", () => {
  const matrix = confusionMatrix(map(1, 1, 1), map(1, -1, -1), 2);
  expect(iou(matrix, "foreground")).toBe(1);
  expect(pixelAccuracy(confusionMatrix(map(1), map(-1), 2))).toBe(1);
});

it("refuses maps of different size", () => {
  expect(() => confusionMatrix(map(0), map(0, 0), 2)).toThrow(
    expect.objectContaining({ code: "ERR_TARGET_SIZE" }),
  );
});
