import { describe, expect, it } from "vitest";
import { amplification, perturbationPicture } from "./perturbation-picture.ts";

describe("amplification", () => {
  it("is the largest of 1, 2, 5, 10, … that keeps the amplitude within half the range", () => {
    for (const [amplitude, factor] of [
      [0, 1],
      [NaN, 1],
      [1, 1],
      [0.3, 1],
      [0.25, 2],
      [0.11, 2],
      [0.1, 5],
      [Math.fround(0.05), 10],
      [1 / 255, 100],
      [0.6 / 255, 200],
      [1e-7, 5e6],
    ] as const) {
      expect(amplification(amplitude)).toBe(factor);
    }
  });
});

describe("perturbationPicture", () => {
  const dims = [1, 1, 1, 3] as const;
  const original = { data: Float32Array.of(0.2, 0.5, 0.9), dims };

  it("is grey where nothing changed, brighter and darker elsewhere", () => {
    const picture = perturbationPicture(original, { data: Float32Array.of(0.3, 0.5, 0.8), dims });
    expect(picture).toMatchObject({ factor: 5, width: 3, height: 1 });
    expect([0, 3, 6].map((k) => picture.rgb[k])).toEqual([255, 128, 0]);
    expect(perturbationPicture(original, original)).toMatchObject({
      factor: 1,
      rgb: new Uint8Array(9).fill(128),
    });
  });

  it("refuses images of different sizes", () => {
    expect(() =>
      perturbationPicture(original, { data: new Float32Array(2), dims: [1, 1, 1, 2] }),
    ).toThrow(expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }));
  });
});
