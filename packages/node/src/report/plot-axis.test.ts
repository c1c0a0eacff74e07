import { expect, it } from "vitest";
import { axisOf } from "./plot-axis.ts";

it("begins at 0, or at what is less", () => {
  expect(axisOf([0.5, 2])).toMatchObject({ type: "linear", domain: [0, 2.16] });
  expect(axisOf([-1, 1])).toMatchObject({ type: "linear", domain: [-1.08, 1.08] });
  expect(axisOf([])).toMatchObject({ type: "linear", domain: [0, 1] });
  expect(axisOf([0, 0])).toMatchObject({ type: "linear", domain: [0, 1] });
});

it("is logarithmic for positive values that differ by orders of magnitude", () => {
  const axis = axisOf([0, 2e-4, 0.3]);
  expect(axis).toMatchObject({ type: "log", domain: [1e-4, 1] });
  expect(axis.ticks).toHaveLength(5);
  expect([1e-4, 0.25, 1e6].map(axis.format)).toEqual(["1e-4", "0.25", "1e6"]);
  expect((axisOf([1e-20, 1]).ticks as number[]).length).toBeLessThan(7);
});
