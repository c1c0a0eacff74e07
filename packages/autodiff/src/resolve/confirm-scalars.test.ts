import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { readModel } from "../model/read-model.ts";
import { resolve } from "./resolve.ts";

it("tells scalars from values of unknown rank", async () => {
  const bytes = tinyModel({
    inputs: { x: { dims: [2, 3] }, keep: { dtype: "bool", dims: [6] } },
    nodes: [
      ["Compress", ["x", "keep"], "kept"],
      ["Squeeze", ["kept"], "unknown"],
      ["Mul", ["unknown", "unknown"], "square"],
      ["ReduceSum", ["x"], "scalar", { keepdims: 0 }],
    ],
    outputs: ["scalar", "square"],
  });
  const { types } = await resolve(await readModel(bytes), ort);
  expect(types.get("scalar")?.dims).toEqual([]);
  expect([...types.keys()]).not.toContain("unknown");
  expect([...types.keys()]).not.toContain("square");
});

it("refuses input dims that no integer holds exactly", async () => {
  const bytes = tinyModel({ inputs: { x: { dims: [2 ** 60] } }, nodes: [["Relu", ["x"], "y"]] });
  await expect(resolve(await readModel(bytes), ort)).rejects.toMatchObject({
    code: "ERR_INPUT_DIMS",
  });
});
