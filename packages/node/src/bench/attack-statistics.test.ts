import { expect, it } from "vitest";
import { median, medianInterval } from "./attack-statistics.ts";

const never = Number.POSITIVE_INFINITY;

it("takes the middle, with what was never reached as infinite", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([1, never, 2])).toBe(2);
  expect(median([1, never, never])).toBe(never);
  expect(median([never, never])).toBe(never);
  expect(median([])).toBeNaN();
});

it("gives an interval that holds the median and narrows with more cases", () => {
  const few = Array.from({ length: 10 }, (_, i) => i);
  const many = Array.from({ length: 1000 }, (_, i) => i / 100);
  for (const list of [few, many]) {
    const [low, high] = medianInterval(list);
    expect(low).toBeLessThanOrEqual(median(list));
    expect(high).toBeGreaterThanOrEqual(median(list));
  }
  const widths = [few, many].map((list) => {
    const [low, high] = medianInterval(list);
    return high - low;
  });
  expect(widths[1]).toBeLessThan((widths[0] as number) / 5);
  // By the binomial distribution, the 95 % interval of the median of 0 … 9 is about 2 to 7.
  expect(medianInterval(few)).toEqual([expect.closeTo(2, -0.5), expect.closeTo(7, -0.5)]);
  expect(medianInterval(few)).toEqual(medianInterval(few));
});
