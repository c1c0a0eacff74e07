import { expect, it } from "vitest";
import { regionOutline } from "./region-outline.ts";

const place = { x: 100, y: 200, width: 40, height: 30 };
const region = (inside: (row: number, column: number) => boolean) => ({
  data: Float32Array.from({ length: 12 }, (_, i) => Number(inside(Math.floor(i / 4), i % 4))),
  width: 4,
  height: 3,
});

it("goes along the borders of the pixels of a region, at the size of the picture", () => {
  // Row 1, columns 1 and 2, pixels of 10: from (110, 210) to (130, 220).
  expect(
    regionOutline(
      region((row, column) => row === 1 && (column === 1 || column === 2)),
      place,
    ),
  ).toBe("M110 210H130M110 220H130M110 210V220M130 210V220");
});

it("closes a region at the image's edge, and leaves holes open", () => {
  expect(
    regionOutline(
      region((_, column) => column < 2),
      place,
    ),
  ).toBe("M100 200H120M100 230H120M100 200V230M120 200V230");
  const ring = regionOutline(
    region((row, column) => !(row === 1 && column === 1)),
    place,
  );
  expect(ring).toContain("M110 210H120");
  expect(ring).toContain("M110 210V220");
});
