import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import type { Runtime } from "@onnx-asma/autodiff";
import {
  build,
  conv,
  headModel,
  queryModel,
  withDynamicDims,
} from "../../../../test/support/segmentation-models.ts";
import { SegmentationModel } from "./segmentation-model.ts";

const flat = [1, 3, 6, 8];
const fixed = build(flat, (b, x) => ({ out: conv(b, x, 3, [0, 0, 0]) }));
const bytes = withDynamicDims(fixed, [0]);

it.each([
  ["a fixed batch", fixed, /fixed to 1/],
  ["a batch that is fixed inside", withDynamicDims(queryModel(6, 8), [0]), /same classes/],
  [
    "a batch that is mixed with the classes",
    withDynamicDims(
      headModel(flat, [0, 0.1, 0.2], [["Reshape", ["scores", "shape"], "out"]], {
        shape: { dtype: "int64", dims: [4], data: [1, -1, 6, 8] },
      }),
      [0],
    ),
    /with so many/,
  ],
  [
    "statistics over the batch",
    withDynamicDims(
      headModel(
        flat,
        [0, 0.1, 0.2],
        [
          ["ReduceMean", ["scores"], "mean", { axes: [0, 2, 3], keepdims: 1 }],
          ["Sub", ["scores", "mean"], "out"],
        ],
      ),
      [0],
    ),
    /change with the others/,
  ],
  [
    "a reshape to one sample",
    withDynamicDims(
      headModel(
        flat,
        [0, 0.1, 0.2],
        [
          ["GlobalAveragePool", ["scores"], "pooled"],
          ["Reshape", ["pooled", "shape"], "mean"],
          ["Add", ["scores", "mean"], "out"],
        ],
        { shape: { dtype: "int64", dims: [4], data: [1, 3, 1, 1] } },
      ),
      [0],
    ),
    /does not run with so many/,
  ],
  ["no batch", tinyUnbatched(), /no axis for it/],
])("refuses several images at once where there is %s", async (_, model, message) => {
  const one = await SegmentationModel.load(ort as Runtime, model, [6, 8]);
  expect(one.batchDims).toEqual([1, 3, 6, 8]);
  await expect(
    SegmentationModel.load(ort as Runtime, model, [6, 8], { batch: 3 }),
  ).rejects.toMatchObject({ code: "ERR_BATCH", message: expect.stringMatching(message) });
});

it.each([0, 1.5, Number.NaN])("refuses a batch of %s", async (batch) => {
  await expect(
    SegmentationModel.load(ort as Runtime, bytes, [6, 8], { batch }),
  ).rejects.toMatchObject({ code: "ERR_BATCH" });
});

it("says what else is wrong with a model, not that it is the batch", async () => {
  await expect(
    SegmentationModel.load(ort as Runtime, bytes, [6, 8], { batch: 3, output: "no" }),
  ).rejects.toMatchObject({ code: "ERR_OUTPUT" });
});

function tinyUnbatched(): Uint8Array {
  return build([3, 6, 8], (b, x) => {
    const scores = conv(b, b.reshape(x, [1, 3, 6, 8]), 3, [0, 0, 0]);
    return { out: b.reshape(scores, [3, 6, 8]) };
  });
}
