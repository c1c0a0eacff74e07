import { expect, it } from "vitest";
import { outputGrid, toOutputGrid } from "./output-grid.ts";
import { planPreprocessing } from "../input/preprocessing.ts";

const plain = (size: readonly [number, number]) =>
  planPreprocessing({ imageSize: size, channels: 3, layout: "NCHW", inputSize: undefined });

it("takes an equal difference on both axes for a centred crop", () => {
  const grid = outputGrid([388, 388], plain([572, 572]));
  expect(grid).toMatchObject({
    kind: "crop",
    placement: { top: 92, left: 92, height: 388, width: 388 },
  });
});

it("takes a whole ratio for a coarser grid over the whole input", () => {
  const grid = outputGrid([16, 24], plain([64, 96]));
  expect(grid).toMatchObject({
    kind: "scaled",
    placement: { top: 0, left: 0, height: 64, width: 96 },
  });
});

it("places the grid on the user's pixels when the image is resized and padded", () => {
  const preprocessing = planPreprocessing({
    imageSize: [816, 816],
    channels: 3,
    layout: "NCHW",
    inputSize: [572, 572],
    padding: { pixels: 82, mode: "edge" },
  });
  expect(preprocessing.resizedSize).toEqual([408, 408]);
  expect(outputGrid([388, 388], preprocessing).placement).toEqual({
    top: 20,
    left: 20,
    height: 776,
    width: 776,
  });
});

it("samples a label map on the image's grid at the nearest pixel", () => {
  const grid = outputGrid([2, 2], plain([4, 4]));
  const labels = { data: Int32Array.from({ length: 16 }, (_, i) => i), dims: [4, 4] as const };
  expect([...toOutputGrid(labels, grid).data]).toEqual([5, 7, 13, 15]);
});

it("places the grid of a volume, and samples its labels", () => {
  const grid = outputGrid(
    [2, 2, 2],
    planPreprocessing({ imageSize: [4, 4, 4], channels: 1, layout: "NCDHW" }),
  );
  expect(grid).toMatchObject({
    kind: "scaled",
    placement: { front: 0, depth: 4, top: 0, width: 4 },
  });
  const labels = { data: Int32Array.from({ length: 64 }, (_, i) => i), dims: [4, 4, 4] as const };
  expect([...toOutputGrid(labels, grid).data]).toEqual([21, 23, 29, 31, 53, 55, 61, 63]);
});
