import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { encodePicture, fitInto, imagePicture, resizePicture, toByte } from "./picture.ts";

describe("imagePicture", () => {
  it("interleaves channels, repeats grey and shows the first three of many", () => {
    const grey = imagePicture({ data: Float32Array.of(0, 1), dims: [1, 1, 1, 2] });
    expect(grey).toEqual({ rgb: Uint8Array.of(0, 0, 0, 255, 255, 255), width: 2, height: 1 });
    const four = imagePicture({ data: Float32Array.of(0, 0.2, 0.4, 1), dims: [1, 4, 1, 1] });
    expect([...four.rgb]).toEqual([0, 51, 102]);
  });

  it("clips and rounds", () => {
    expect([-1, NaN, 0.5, 0.999, 2].map(toByte)).toEqual([0, 0, 128, 255, 255]);
  });
});

describe("resizePicture", () => {
  const picture = { rgb: Uint8Array.from({ length: 18 }, (_, k) => k * 10), width: 3, height: 2 };

  it("repeats pixels when it grows and averages when it shrinks", () => {
    const large = resizePicture(picture, 6, 4);
    for (let i = 0; i < 24; i++) {
      const from = 3 * (Math.floor(Math.floor(i / 6) / 2) * 3 + Math.floor((i % 6) / 2));
      expect(large.rgb[3 * i]).toBe(picture.rgb[from]);
    }
    expect([...resizePicture(picture, 1, 1).rgb]).toEqual([75, 85, 95]);
    expect([...resizePicture(large, 3, 2).rgb]).toEqual([...picture.rgb]);
  });

  it("keeps the mean at odd ratios", () => {
    const flat = { rgb: new Uint8Array(3 * 97 * 31).fill(77), width: 97, height: 31 };
    expect(resizePicture(flat, 40, 90).rgb.every((v) => v === 77)).toBe(true);
  });
});

it("fits into a box and never vanishes", () => {
  expect(fitInto({ width: 400, height: 100 }, { width: 200, height: 200 })).toEqual({
    width: 200,
    height: 50,
  });
  expect(fitInto({ width: 1, height: 9000 }, { width: 200, height: 200 })).toEqual({
    width: 1,
    height: 200,
  });
});

it("encodes to a PNG that decodes to itself", () => {
  const picture = { rgb: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 1, height: 2 };
  expect(decode(encodePicture(picture))).toMatchObject({
    width: 1,
    height: 2,
    channels: 3,
    depth: 8,
    data: picture.rgb,
  });
});
