import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { tinyModel, type TinyModel } from "../../../../../test/support/tiny-model.ts";
import type { ModelOptions } from "../model-options.ts";
import { SegmentationModel } from "../segmentation-model.ts";

const numbers = (...data: number[]) => ({ dims: [1, data.length, 1, 1], data });

/** What is said of the values of a model that begins with these nodes. */
async function valuesOf(nodes: TinyModel["nodes"], options: ModelOptions = {}) {
  const bytes = tinyModel({
    inputs: { image: { dims: [1, 3, 4, 4] } },
    constants: {
      mean: numbers(123.675, 116.28, 103.53),
      small: numbers(0.485, 0.456, 0.406),
      std: numbers(0.229, 0.224, 0.225),
      white: numbers(255),
      black: numbers(1 / 255),
      w: { dims: [2, 3, 1, 1], data: [1, 2, 3, 4, 5, 6] },
    },
    nodes: [...nodes, ["Conv", ["x", "w"], "scores"]],
  });
  const model = await SegmentationModel.load(ort, bytes, undefined, options);
  await model.release();
  return model.description.decisions.find(({ what }) => what === "values");
}

it.each<[string, TinyModel["nodes"], RegExp]>([
  ["a mean of values up to 255", [["Sub", ["image", "mean"], "x"]], /Sub 123\.675/],
  ["a division by 255", [["Div", ["image", "white"], "x"]], /Div 255/],
  [
    "a factor of 1/255 behind a transpose",
    [
      ["Identity", ["image"], "y"],
      ["Mul", ["black", "y"], "x"],
    ],
    /Mul 0\.0039/,
  ],
])("doubts [0, 1] at %s", async (_, nodes, reason) => {
  expect(await valuesOf(nodes)).toMatchObject({
    isUnsure: true,
    because: expect.stringMatching(reason),
    options: ["range", "mean", "std"],
  });
  const told = await valuesOf(nodes, { range: [0, 255] });
  expect(told).toMatchObject({ because: "as told" });
  expect(told?.isUnsure).toBeUndefined();
});

it.each<[string, TinyModel["nodes"]]>([
  [
    "means and deviations of [0, 1]",
    [
      ["Sub", ["image", "small"], "y"],
      ["Div", ["y", "std"], "x"],
    ],
  ],
  [
    "a mean after values were taken up to 255",
    [
      ["Mul", ["image", "white"], "y"],
      ["Sub", ["y", "mean"], "x"],
    ],
  ],
  ["nothing", [["Identity", ["image"], "x"]]],
])("does not at %s", async (_, nodes) => {
  const values = await valuesOf(nodes);
  expect(values?.because).toBe("the default");
  expect(values?.isUnsure).toBeUndefined();
});
