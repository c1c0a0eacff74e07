import { expect, it } from "vitest";
import { resamplingMatrix, type Resampling } from "./resampling-matrix.ts";

it("has rows that sum to 1, whether it shrinks or grows", () => {
  for (const [from, to] of [
    [1411, 408],
    [10, 7],
    [7, 10],
    [1, 5],
    [5, 1],
  ] as const) {
    for (const row of resamplingMatrix(from, to)) {
      expect(row.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 12);
    }
  }
});

it("halves with the weights 1, 3, 3, 1 and doubles with 3, 1", () => {
  expect(resamplingMatrix(8, 4)[1]).toEqual([0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0]);
  expect(resamplingMatrix(4, 8)[2]).toEqual([0.25, 0.75, 0, 0]);
});

it("keeps a line of the same length", () => {
  expect(resamplingMatrix(3, 3)).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

/** Pillow 13.0: `Image.fromarray(line, mode="F").resize((n, 1), filter)` for n = 4, 7, 17. */
const line = [0.1, 0.9, 0.4, 0.7, 0.2, 1, 0, 0.3, 0.8, 0.5, 0.6];
const pillow: Record<Resampling, readonly (readonly number[])[]> = {
  nearest: [
    [0.9, 0.2, 0.0, 0.5],
    [0.1, 0.4, 0.7, 1.0, 0.3, 0.8, 0.6],
    [0.1, 0.1, 0.9, 0.4, 0.4, 0.7, 0.2, 0.2, 1.0, 0.0, 0.0, 0.3, 0.8, 0.8, 0.5, 0.6, 0.6],
  ],
  box: [
    [0.466667, 0.633333, 0.15, 0.633333],
    [0.5, 0.4, 0.45, 1.0, 0.15, 0.8, 0.55],
    [0.1, 0.1, 0.9, 0.4, 0.4, 0.7, 0.2, 0.2, 1.0, 0.0, 0.0, 0.3, 0.8, 0.8, 0.5, 0.6, 0.6],
  ],
  bilinear: [
    [0.538889, 0.52, 0.406667, 0.581482],
    [0.42, 0.588889, 0.4625, 0.621053, 0.2, 0.633333, 0.56],
    [
      0.1, 0.476471, 0.841176, 0.517647, 0.523529, 0.670588, 0.347059, 0.482353, 1.0, 0.352941,
      0.088235, 0.282353, 0.594118, 0.729412, 0.535294, 0.552941, 0.6,
    ],
  ],
  hamming: [
    [0.541522, 0.511622, 0.328781, 0.593305],
    [0.358849, 0.52167, 0.479603, 0.783109, 0.172722, 0.707869, 0.567644],
    [
      0.1, 0.445284, 0.892473, 0.43269, 0.490989, 0.697249, 0.259077, 0.357548, 1.0, 0.196935,
      0.035446, 0.298349, 0.648352, 0.780386, 0.504516, 0.55684, 0.6,
    ],
  ],
  bicubic: [
    [0.51542, 0.541827, 0.39535, 0.594628],
    [0.417594, 0.62446, 0.460505, 0.625224, 0.171422, 0.671174, 0.558392],
    [
      0.045008, 0.475177, 0.895827, 0.490128, 0.506432, 0.689314, 0.276226, 0.458844, 1.0, 0.329432,
      -0.013128, 0.275025, 0.641136, 0.775982, 0.52186, 0.540042, 0.606874,
    ],
  ],
  lanczos: [
    [0.507796, 0.553543, 0.391785, 0.594596],
    [0.415238, 0.66461, 0.446796, 0.606221, 0.181076, 0.684897, 0.549461],
    [
      0.007599, 0.487517, 0.913329, 0.501007, 0.499262, 0.685033, 0.235465, 0.481197, 1.0, 0.379779,
      -0.097373, 0.254792, 0.689309, 0.778023, 0.531202, 0.519297, 0.618628,
    ],
  ],
};

it.each(Object.entries(pillow) as [Resampling, number[][]][])(
  "weights %s as Pillow does",
  (resampling, expected) => {
    for (const values of expected) {
      const matrix = resamplingMatrix(line.length, values.length, resampling);
      matrix.forEach((row, i) => {
        const found = row.reduce((sum, weight, j) => sum + weight * (line[j] as number), 0);
        expect(found).toBeCloseTo(values[i] as number, 5);
      });
    }
  },
);
