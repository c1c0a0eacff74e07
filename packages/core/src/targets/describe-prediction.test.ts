import { expect, it } from "vitest";
import { describePrediction, pixelsPerClass, predictionRemark } from "./describe-prediction.ts";

const prediction = { data: Int32Array.of(0, 0, 2, -1, 0, 0), dims: [2, 3] as const };
const names = ["ground", "cup", "disc"];

it("counts pixels, without ignored ones", () => {
  expect(pixelsPerClass(prediction, 3)).toEqual([4, 0, 1]);
});

it("says what is drawn and how much is not", () => {
  expect(describePrediction(prediction, names)).toBe(
    "On the untouched image the model draws ground 66.66 %, disc 16.66 % (1 px); 1 of 3 classes nowhere.",
  );
});

it("remarks on one class alone", () => {
  expect(predictionRemark(prediction, names)).toBeUndefined();
  const empty = { ...prediction, data: new Int32Array(6) };
  expect(predictionRemark(empty, names)).toMatch(/one class only .*\(ground\).*`mean`/);
});
