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
