import { describe, expect, it } from "vitest";
import type { ImageTensor } from "./image.ts";
import { levelsOf } from "./levels-of.ts";

const image = (values: Iterable<number>, levels?: number): ImageTensor => {
  const data = Float32Array.from(values);
  return { data, dims: [1, 1, 1, data.length], levels };
};
const allOf = (max: number) => Array.from({ length: max + 1 }, (_, k) => k / max);

describe("levelsOf", () => {
  it("believes what the image says", () => {
    expect(levelsOf(image([0.123], 256))).toBe(256);
    expect(levelsOf(image([0.123], 65_536))).toBe(65_536);
    expect(levelsOf(image([0, 1], 1024))).toBe(1024);
    expect(levelsOf(image([0, 1], Infinity))).toBeUndefined();
  });

  it("finds the levels of an image that says nothing", () => {
    expect(levelsOf(image(allOf(255)))).toBe(256);
    expect(levelsOf(image(allOf(65_535)))).toBe(65_536);
    expect(levelsOf(image([...allOf(255), 1 / 65_535, 0.2, 1]))).toBe(65_536);
    expect(levelsOf(image([0, 1]))).toBe(256);
  });

  it("takes a single value off the levels for floating point", () => {
    const next = (value: number) => {
      const bits = new Uint32Array(Float32Array.of(value).buffer);
      return new Float32Array(Uint32Array.of((bits[0] as number) + 1).buffer)[0] as number;
    };
    for (const value of [next(7 / 255), next(0), NaN, -1 / 255, 256 / 255, Infinity]) {
      expect(levelsOf(image([...allOf(255), value])), String(value)).toBeUndefined();
      expect(levelsOf(image([1 / 65_535, value])), String(value)).toBeUndefined();
    }
  });
});
