import { expect, it } from "vitest";
import { resamplingMatrix } from "./resampling-matrix.ts";

it("has rows that sum to 1, whether it shrinks or grows", () => {
  for (const [from, to] of [
    [1411, 408],
    [10, 7],
    [7, 10],
    [1, 5],
    [5, 1],
  ] as const) {
    for (const row of resamplingMatrix(from, to)) {
      expect(row.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 12);
    }
  }
});

it("halves with the weights 1, 3, 3, 1 and doubles with 3, 1", () => {
  expect(resamplingMatrix(8, 4)[1]).toEqual([0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0]);
  expect(resamplingMatrix(4, 8)[2]).toEqual([0.25, 0.75, 0, 0]);
});

it("keeps a line of the same length", () => {
  expect(resamplingMatrix(3, 3)).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});
