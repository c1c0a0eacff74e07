import { describe, expect, it } from "vitest";
import { amplificationOf, changeMap, changeUnit, resizeChange } from "./change-map.ts";

const [height, width] = [30, 40];
const plane = height * width;
const dims = [1, 3, height, width] as const;
/** Whole levels of 8 bits, so that adding some rounds as a saved file does. */
const level = (i: number) => 100 + ((i * 13) % 100);
const original = {
  data: Float32Array.from({ length: 3 * plane }, (_, i) => level(i) / 255),
  dims,
};
const changedBy = (change: (i: number) => number) => ({
  data: Float32Array.from({ length: 3 * plane }, (_, i) => (level(i) + change(i)) / 255),
  dims,
});
const levels = changeUnit(256);

describe("changeMap", () => {
  it("has of each pixel the change of the channel that changed most, with its sign, in whole levels", () => {
    const change = [0, -2, 1, 0, 5, -5, 1, -1, -3];
    const { values } = changeMap(
      original,
      changedBy((i) =>
        i % plane < 3 ? (change[3 * (i % plane) + Math.floor(i / plane)] ?? 0) : 0,
      ),
      levels,
    );
    expect([...values.subarray(0, 4)]).toEqual([-2, 5, -3, 0]);
  });

  it("counts what changed, finds its 99th percentile and the share beyond", () => {
    // A third of the pixels, by 1 to 9 levels; 5 of them by far more.
    const by = (i: number) => {
      const pixel = i % plane;
      if (i >= plane || pixel % 3 !== 0) return 0;
      return pixel % 240 === 0 ? 60 + pixel / 240 : 1 + ((pixel / 3) % 9);
    };
    const map = changeMap(original, changedBy(by), levels);
    const all = Array.from({ length: plane }, (_, i) => by(i)).filter((v) => v > 0);
    all.sort((a, b) => a - b);
    // The smallest value that at least 99 % do not exceed, looked for by counting.
    const p99 = all.find((v) => all.filter((w) => w <= v).length >= 0.99 * all.length) as number;
    expect(map).toMatchObject({ changed: all.length, smallest: 1, largest: all.at(-1), p99 });
    expect(map.clipped).toBe(all.filter((v) => v > p99).length / all.length);
    expect(map.clipped).toBeGreaterThan(0);
    expect(map.clipped).toBeLessThanOrEqual(0.01);
    expect(amplificationOf(map)).toBe(255 / p99);
  });

  it("is not led astray by one pixel", () => {
    const usual = changeMap(
      original,
      changedBy((i) => (i % plane < 400 ? 2 : 0)),
      levels,
    );
    const odd = changeMap(
      original,
      changedBy((i) => (i === 7 ? 55 : i % plane < 400 ? 2 : 0)),
      levels,
    );
    expect(odd.largest).toBe(55);
    expect([odd.p99, amplificationOf(odd)]).toEqual([usual.p99, amplificationOf(usual)]);
  });

  it("keeps changes of floating-point images as they are", () => {
    const map = changeMap(
      original,
      changedBy((i) => (i === 0 ? 0.3 : 0)),
      changeUnit(undefined),
    );
    expect(map.largest).toBeCloseTo(0.3 / 255, 7);
    expect(map.unit).toEqual({ range: 1, name: "units of the range 0 to 1" });
    const inLevels = changeMap(
      original,
      changedBy((i) => (i === 0 ? 0.3 : 0)),
      levels,
    );
    expect(inLevels.largest).toBeCloseTo(0.3, 4);
  });

  it("says that nothing changed", () => {
    const map = changeMap(original, original, levels);
    expect(map).toMatchObject({ changed: 0, smallest: 0, p99: 0, largest: 0, clipped: 0 });
    expect(amplificationOf(map)).toBe(1);
  });

  it("refuses images of different sizes", () => {
    const other = { data: new Float32Array(2), dims: [1, 1, 1, 2] as const };
    expect(() => changeMap(original, other, levels)).toThrow(
      expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }),
    );
  });
});

it("names units by what the file holds", () => {
  expect([changeUnit(256).name, changeUnit(65536).name]).toEqual([
    "levels of 255",
    "levels of 65,535",
  ]);
});

describe("resizeChange", () => {
  const map = changeMap(
    original,
    changedBy((i) => (i === 5 ? 9 : i === width + 4 ? -20 : i === 14 * width + 31 ? 1 : 0)),
    levels,
  );

  it("loses no pixel where it shrinks: each is the largest change of those it stands for", () => {
    const small = resizeChange(map, 8, 6);
    expect(small).toMatchObject({ width: 8, height: 6, changed: 3, p99: map.p99 });
    expect(small.values).toHaveLength(48);
    expect(small.values[0]).toBe(-20);
    expect(small.values[1]).toBe(9);
    expect(small.values[2 * 8 + 6]).toBe(1);
    expect(small.values.filter((v) => v !== 0)).toHaveLength(3);
    expect(resizeChange(map, 1, 1).values).toEqual(Float32Array.of(-20));
    // At odd ratios a pixel that is cut stands in both.
    expect(resizeChange(map, 37, 29).values.filter((v) => v === 1).length).toBeGreaterThan(0);
  });

  it("repeats where it grows", () => {
    const large = resizeChange(map, 2 * width, 3 * height);
    expect(large.values.filter((v) => v === -20)).toHaveLength(6);
    expect(large.values[4 * 2 * width + 9]).toBe(-20);
  });
});
