import { expect, it } from "vitest";
import { derive, type TinyModel } from "../../../../test/support/tiny-model.ts";

const ints = (...data: readonly number[]) =>
  ({ dtype: "int64", dims: [data.length], data }) as const;
const x = { dims: [2, 3] };
const computed = { dtype: "int64", dims: [1] } as const;

const refusals: readonly (readonly [string, TinyModel, RegExp])[] = [
  [
    "Slice with computed ends",
    {
      inputs: { x, ends: computed },
      constants: { starts: ints(0) },
      nodes: [["Slice", ["x", "starts", "ends"], "y"]],
    },
    /are computed|depend on the image/,
  ],
  [
    "Pad with computed pads",
    { inputs: { x, pads: { dtype: "int64", dims: [4] } }, nodes: [["Pad", ["x", "pads"], "y"]] },
    /are computed|depend on the image/,
  ],
  [
    "Dropout in training mode",
    {
      inputs: { x },
      constants: {
        ratio: { dims: [], data: [0.5] },
        training: { dtype: "bool", dims: [], data: [1] },
      },
      nodes: [["Dropout", ["x", "ratio", "training"], "y"]],
    },
    /training_mode is not the constant false/,
  ],
  [
    "Dropout whose mode is computed",
    {
      inputs: { x, training: { dtype: "bool", dims: [] } },
      constants: { ratio: { dims: [], data: [0.5] } },
      nodes: [["Dropout", ["x", "ratio", "training"], "y"]],
    },
    /training_mode is not the constant false/,
  ],
  [
    "RoiAlign of maxima",
    {
      inputs: { x: { dims: [1, 1, 4, 4] } },
      constants: { rois: { dims: [1, 4], data: [0, 0, 2, 2] }, images: ints(0) },
      nodes: [["RoiAlign", ["x", "rois", "images"], "y", { mode: "max", sampling_ratio: 2 }]],
    },
    /mode 'max' has no rule/,
  ],
  [
    "RoiAlign with as many samples as the region says",
    {
      inputs: { x: { dims: [1, 1, 4, 4] } },
      constants: { rois: { dims: [1, 4], data: [0, 0, 2, 2] }, images: ints(0) },
      nodes: [["RoiAlign", ["x", "rois", "images"], "y"]],
    },
    /sampling_ratio 0/,
  ],
  [
    "MaxRoiPool",
    {
      inputs: { x: { dims: [1, 1, 4, 4] } },
      constants: { rois: { dims: [1, 5], data: [0, 0, 0, 2, 2] } },
      nodes: [["MaxRoiPool", ["x", "rois"], "y", { pooled_shape: [1, 1] }]],
    },
    /MaxRoiPool .*RoiAlign of mode avg/,
  ],
  [
    "MaxUnpool whose dims the runtime does not infer",
    {
      inputs: { x: { dims: [1, 1, 1, 1] } },
      constants: {
        indices: { dtype: "int64", dims: [1, 1, 1, 1], data: [3] },
        shape: ints(1, 1, 3, 3),
      },
      nodes: [["MaxUnpool", ["x", "indices", "shape"], "y", { kernel_shape: [2, 2] }]],
    },
    /without output_shape/,
  ],
];

it.each(refusals)("refuses %s", async (_, model, reason) => {
  await expect(derive(model, ["x"])).rejects.toThrow(reason);
});

it("lets nothing flow through integers", async () => {
  const model: TinyModel = {
    inputs: { x },
    nodes: [
      ["Cast", ["x"], "whole", { to: 7 }],
      ["Cast", ["whole"], "y", { to: 1 }],
    ],
  };
  await expect(derive(model)).rejects.toThrow("No gradient flows from output 'y' to 'x'");
});
