import { expect, it } from "vitest";
import { describePrediction, pixelsPerClass, predictionRemark } from "./describe-prediction.ts";

const prediction = { data: Int32Array.of(0, 0, 2, -1, 0, 0), dims: [2, 3] as const };
const names = ["ground", "cup", "disc"];

it("counts pixels, without ignored ones", () => {
  expect(pixelsPerClass(prediction, 3)).toEqual([4, 0, 1]);
});

it("says what is drawn and how much is not", () => {
  expect(describePrediction(prediction, names)).toBe(
    "On the untouched image the model draws ground 66.66 %, cup 0 px, disc 16.66 % (1 px).",
  );
  const many = Array.from({ length: 20 }, (_, c) => `c${c}`);
  expect(describePrediction({ ...prediction, data: new Int32Array(6) }, many)).toBe(
    "On the untouched image the model draws c0 100 %; 19 of 20 classes nowhere.",
  );
});

it("remarks on one class alone", () => {
  expect(predictionRemark(prediction, names)).toBeUndefined();
  const empty = { ...prediction, data: new Int32Array(6) };
  expect(predictionRemark(empty, names)).toMatch(/one class only .*\(ground\).*`mean`/);
});
