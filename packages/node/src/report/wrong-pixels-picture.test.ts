import { expect, it } from "vitest";
import { wrongPixelColours, wrongPixelsPicture } from "./wrong-pixels-picture.ts";

it("tells which way each wrong pixel must go", () => {
  const dims = [1, 6] as const;
  const prediction = { data: Int32Array.of(0, 1, 0, 1, 2, 1), dims };
  const target = { data: Int32Array.of(0, 0, 1, 1, 1, 255), dims };
  const { rgb, width, height } = wrongPixelsPicture(prediction, target, { ignoreLabel: 255 });
  expect([width, height]).toEqual([6, 1]);
  const { right, toBackground, toForeground, ignored } = wrongPixelColours;
  expect([...rgb]).toEqual(
    [right, toBackground, toForeground, right, toForeground, ignored].flat(),
  );
});

it("refuses label maps of different dims", () => {
  const map = { data: new Int32Array(4), dims: [2, 2] as const };
  expect(() => wrongPixelsPicture(map, { data: new Int32Array(4), dims: [1, 4] })).toThrow(
    /dims \[1, 4\]/,
  );
});
