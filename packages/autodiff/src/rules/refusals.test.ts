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
    "Dropout in training mode without its mask",
    {
      inputs: { x },
      constants: {
        ratio: { dims: [], data: [0.5] },
        training: { dtype: "bool", dims: [], data: [1] },
      },
      nodes: [["Dropout", ["x", "ratio", "training"], "y"]],
    },
    /training_mode is true and the mask is not an output; name its second output/,
  ],
  [
    "Dropout whose mode is computed",
    {
      inputs: { x, training: { dtype: "bool", dims: [] } },
      constants: { ratio: { dims: [], data: [0.5] } },
      nodes: [["Dropout", ["x", "ratio", "training"], "y"]],
    },
    /training_mode is computed; export the model for inference/,
  ],
  [
    "Det of large matrices",
    { inputs: { x: { dims: [17, 17] } }, nodes: [["Det", ["x"], "y"]] },
    /matrices of 17 × 17 are larger than 16 × 16/,
  ],
  [
    "Compress by a computed condition",
    {
      inputs: { x, condition: { dtype: "bool", dims: [6] } },
      nodes: [
        ["Compress", ["x", "condition"], "some"],
        ["ReduceSum", ["some"], "y"],
      ],
    },
    /Compress .*its condition is computed/,
  ],
  [
    "Range of a computed start",
    {
      inputs: { x: { dims: [] } },
      constants: { limit: { dims: [], data: [5] }, delta: { dims: [], data: [1] } },
      nodes: [
        ["Range", ["x", "limit", "delta"], "some"],
        ["ReduceSum", ["some"], "y"],
      ],
    },
    /Range .*its length depends on computed values/,
  ],
  [
    "OptionalGetElement of an optional",
    {
      opset: 18,
      inputs: { x },
      nodes: [
        ["Optional", ["x"], "some"],
        ["OptionalGetElement", ["some"], "y"],
      ],
    },
    /Optional .*sequences are not differentiated/,
  ],
  [
    "STFT with computed steps",
    {
      inputs: { x: { dims: [1, 8, 1] }, step: { dtype: "int64", dims: [] } },
      constants: { window: { dims: [4], data: [1, 1, 1, 1] } },
      nodes: [
        ["STFT", ["x", "step", "window"], "some"],
        ["ReduceSum", ["some"], "y"],
      ],
    },
    /depend on the image .*STFT/,
  ],
  [
    "Unique",
    {
      inputs: { x },
      nodes: [
        ["Unique", ["x"], "some"],
        ["ReduceSum", ["some"], "y"],
      ],
    },
    /Unique .*the dims of its outputs depend on the values/,
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
    /not known beforehand from MaxUnpool/,
  ],
  [
    "RNN of too many steps",
    {
      inputs: { x: { dims: [2001, 1, 1] } },
      constants: { w: { dims: [1, 1, 1], data: [1] } },
      nodes: [["RNN", ["x", "w", "w"], "y", { hidden_size: 1 }]],
    },
    /RNN .*it makes 2001 steps, and at most 2000 are written out/,
  ],
  [
    "BatchNormalization whose running mean is read in training mode",
    {
      inputs: { x: { dims: [2, 1, 3] } },
      constants: { one: { dims: [1], data: [1] } },
      nodes: [
        [
          "BatchNormalization",
          ["x", "one", "one", "one", "one"],
          ["n", "m", "v"],
          { training_mode: 1 },
        ],
        ["Add", ["n", "m"], "y"],
      ],
    },
    /BatchNormalization .*running mean and variance have no gradient/,
  ],
];

it.each(refusals)("refuses %s", async (_, model, reason) => {
  await expect(derive(model, ["x"])).rejects.toThrow(reason);
});
