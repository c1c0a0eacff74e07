import { decode } from "fast-png";
import { expect, it } from "vitest";
import type { ImageTensor } from "../image.ts";
import { encodePng } from "./encode-png.ts";

const image = (values: readonly number[], levels?: number): ImageTensor => {
  const data = Float32Array.from(values);
  return { data, dims: [1, 1, 1, data.length], levels };
};
const stored = (...args: Parameters<typeof encodePng>) => {
  const { data, depth } = decode(encodePng(...args));
  return { depth, data: [...data] };
};

it("rounds, clips and never truncates", () => {
  const values = [-0.5, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 1.5, Infinity];
  const expected = { depth: 8, data: [0, 0, 1, 255, 255, 255] };
  expect(stored(image(values), { levels: 256 })).toEqual(expected);
});

it("keeps 16 bits where the image has them, and takes 8 otherwise", () => {
  expect(stored(image([0, 1 / 65_535]))).toEqual({ depth: 16, data: [0, 1] });
  expect(stored(image([0, 1], 65_536))).toEqual({ depth: 16, data: [0, 65_535] });
  expect(stored(image([0, 1]))).toEqual({ depth: 8, data: [0, 255] });
  expect(stored(image([0, 0.3]))).toEqual({ depth: 8, data: [0, 77] });
  expect(stored(image([0, 1 / 65_535]), { levels: 256 })).toEqual({ depth: 8, data: [0, 0] });
  expect(stored(image([0, 0.2]), { levels: 65_536 })).toEqual({ depth: 16, data: [0, 13_107] });
});
