import { expect, it } from "vitest";
import { displayWindow, wholeRange } from "./display-window.ts";

const image = (levels: number, value: (i: number) => number) => ({
  data: Float32Array.from({ length: 1000 }, (_, i) => value(i)),
  dims: [1, 1, 25, 40] as const,
  levels,
});

it("shows images of 8 bits as they are, however dark", () => {
  expect(displayWindow(image(256, (i) => (i % 10) / 255))).toBe(wholeRange);
});

it("spreads what fills a small part of a wider range, but for a few values", () => {
  const dark = image(65_536, (i) => (i < 2 ? 1 : (i % 100) / 1000));
  const { low, high } = displayWindow(dark);
  expect(low).toBe(0);
  expect(high).toBeCloseTo(0.099, 6);
  expect(displayWindow(image(Infinity, (i) => (i % 100) / 100))).toBe(wholeRange);
  expect(displayWindow(image(Infinity, () => 0.3))).toBe(wholeRange);
});
