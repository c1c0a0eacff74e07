import { describe, expect, it } from "vitest";
import { classColour } from "../images/palette.ts";
import { maskPicture, overlay } from "./mask-picture.ts";

it("draws classes in their colours and ignored pixels white", () => {
  const { rgb } = maskPicture({ data: Int32Array.of(0, 1, 9), dims: [1, 3] }, { ignoreLabel: 9 });
  expect([...rgb]).toEqual([...classColour(0), ...classColour(1), 255, 255, 255]);
});

describe("overlay", () => {
  const grey = { rgb: new Uint8Array(3 * 20 * 20).fill(100), width: 20, height: 20 };
  const at = (rgb: Uint8Array, y: number, x: number): number[] => [
    ...rgb.subarray(3 * (20 * y + x), 3 * (20 * y + x) + 3),
  ];

  it("fills translucently within a solid contour, nearest where the map is smaller", () => {
    const labels = { data: Int32Array.of(0, 0, 0, 1), dims: [2, 2] as const };
    const { rgb } = overlay(grey, labels, {
      placement: { top: 4, left: 6, height: 8, width: 8 },
      opacity: 0.5,
    });
    expect(at(rgb, 7, 13)).toEqual([100, 100, 100]);
    expect(at(rgb, 8, 10)).toEqual([...classColour(1)]);
    expect(at(rgb, 11, 13)).toEqual([...classColour(1)]);
    expect(at(rgb, 9, 11)).toEqual(classColour(1).map((v) => Math.round((v + 100) / 2)));
    expect(at(rgb, 12, 13)).toEqual([100, 100, 100]);
    expect(grey.rgb.every((v) => v === 100)).toBe(true);
  });

  it("takes a placement that reaches over the picture, and leaves ignored pixels alone", () => {
    const labels = { data: Int32Array.of(1, 7), dims: [1, 2] as const };
    const placement = { top: -5, left: -10, height: 40, width: 40 };
    const { rgb } = overlay(grey, labels, { placement, ignoreLabel: 7 });
    expect(at(rgb, 0, 0)).not.toEqual([100, 100, 100]);
    expect(at(rgb, 0, 10)).toEqual([100, 100, 100]);
  });
});
