import { expect, it } from "vitest";
import { chooseSlice, sliceOfImage, sliceOfLabels } from "./slice.ts";

const dims = [2, 2, 2] as const;
const before = { data: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 0), dims };
const volume = {
  data: Float32Array.from({ length: 2 * 4 * 4 }, (_, i) => i / 32),
  dims: [1, 2, 4, 2, 2] as const,
};
const whole = { front: 0, depth: 4 };

it("takes the slice in which most labels changed, and says so", () => {
  const after = { data: Int32Array.of(1, 0, 0, 0, 1, 0, 1, 0), dims };
  const slice = chooseSlice(before, after, volume, whole);
  // Two slices of labels cover four of the image.
  expect(slice).toMatchObject({ index: 1, imageIndex: 3, of: 4 });
  expect(slice?.because).toContain("most pixels changed");
  expect([...sliceOfLabels(before, slice).data]).toEqual([0, 1, 1, 0]);
  const image = sliceOfImage(volume, slice);
  expect(image.dims).toEqual([1, 2, 2, 2]);
  expect([...image.data]).toEqual([12, 13, 14, 15, 28, 29, 30, 31].map((v) => v / 32));
});

it("takes the middle one when nothing changed", () => {
  const slice = chooseSlice(before, before, volume, whole);
  expect(slice).toMatchObject({ index: 1 });
  expect(slice?.because).toContain("the middle");
});

it("leaves images as they are", () => {
  const labels = { data: Int32Array.of(0, 1), dims: [1, 2] as const };
  const image = { data: Float32Array.of(0, 1), dims: [1, 1, 1, 2] as const };
  expect(chooseSlice(labels, labels, image, {})).toBeUndefined();
  expect(sliceOfImage(image, undefined)).toBe(image);
  expect(sliceOfLabels(labels, undefined)).toBe(labels);
});
