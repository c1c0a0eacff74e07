import { expect, it } from "vitest";
import { encodeMaskPng } from "./write-mask.ts";
import { decode } from "fast-png";
import { classColour, palette } from "./palette.ts";

it("gives the first forty classes colours of their own", () => {
  const colours = Array.from({ length: 40 }, (_, label) => classColour(label).join());
  expect(new Set(colours).size).toBe(40);
  expect(classColour(0)).toBe(palette[0]);
  expect(classColour(1000).every((v) => v >= 0 && v <= 255)).toBe(true);
  expect(classColour(-1)).toHaveLength(3);
});

it("colours mask pictures", () => {
  const png = decode(
    encodeMaskPng({ data: Int32Array.of(0, 2, 255), dims: [1, 3] }, { ignoreLabel: 255 }),
  );
  expect([...png.data]).toEqual([...classColour(0), ...classColour(2), 255, 255, 255]);
});
