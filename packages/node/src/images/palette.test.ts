import { decode } from "fast-png";
import { expect, it } from "vitest";
import { deltaE, seenLab, visions } from "../../../../test/support/colour-vision.ts";
import { classColour, palette } from "./palette.ts";
import { encodeMaskPng } from "./write-mask.ts";

it("gives the first forty classes colours of their own", () => {
  const colours = Array.from({ length: 40 }, (_, label) => classColour(label).join());
  expect(new Set(colours).size).toBe(40);
  expect(classColour(0)).toBe(palette[0]);
  expect(classColour(1000).every((v) => v >= 0 && v <= 255)).toBe(true);
  expect(classColour(-1)).toHaveLength(3);
});

it("keeps the first eight classes apart for every common colour vision", () => {
  // The measure itself, against pairs of the paper's test data.
  expect(deltaE([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4);
  expect(deltaE([50, 0, 0], [50, -1, 2])).toBeCloseTo(2.3669, 4);
  expect(deltaE([50, -0.001, 2.49], [50, 0.0009, -2.49])).toBeCloseTo(4.8045, 4);
  expect(deltaE([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387])).toBeCloseTo(1.2644, 4);
  const pairs = visions.flatMap((vision) =>
    Array.from({ length: 8 }, (_, a) => a).flatMap((a) =>
      Array.from({ length: a }, (_, b) => ({
        vision,
        pair: [a, b],
        apart: deltaE(seenLab(classColour(a), vision), seenLab(classColour(b), vision)),
      })),
    ),
  );
  expect(pairs).toHaveLength(4 * 28);
  // A difference of 2 can just be seen; 10 is plain at a glance.
  expect(pairs.filter(({ apart }) => apart < 10)).toEqual([]);
});

it("colours mask pictures", () => {
  const png = decode(
    encodeMaskPng({ data: Int32Array.of(0, 2, 255), dims: [1, 3] }, { ignoreLabel: 255 }),
  );
  expect([...png.data]).toEqual([...classColour(0), ...classColour(2), 255, 255, 255]);
});
