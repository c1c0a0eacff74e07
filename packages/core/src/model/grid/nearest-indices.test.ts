import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { tinyModel } from "../../../../../test/support/tiny-model.ts";
import { nearestIndices } from "./nearest-indices.ts";

const coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"];
const roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

describe.each(coordinates)("nearest indices of %s", (mode) => {
  it.each(roundings)("rounded by %s are the runtime's", async (rounding) => {
    for (const [from, to] of [
      [5, 10],
      [5, 15],
      [6, 4],
      [3, 8],
    ] as const) {
      const bytes = tinyModel({
        inputs: { x: { dims: [1, 1, 1, from] } },
        constants: { sizes: { dtype: "int64", dims: [4], data: [1, 1, 1, to] } },
        nodes: [
          [
            "Resize",
            ["x", "", "", "sizes"],
            "y",
            { mode: "nearest", coordinate_transformation_mode: mode, nearest_mode: rounding },
          ],
        ],
      });
      const session = await ort.InferenceSession.create(bytes);
      const x = new ort.Tensor(
        "float32",
        Float32Array.from({ length: from }, (_, i) => i),
        [1, 1, 1, from],
      );
      const { y } = await session.run({ x });
      await session.release();
      const found = nearestIndices({ from, to, coordinates: mode, rounding });
      expect(found, `${from} to ${to}`).toEqual([...(y?.data as Float32Array)]);
    }
  });
});

it("does not know modes that need a region of interest", () => {
  const resize = { from: 4, to: 8, coordinates: "tf_crop_and_resize", rounding: "floor" };
  expect(nearestIndices(resize)).toBeUndefined();
});
