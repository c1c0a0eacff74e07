import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run, type TinyModel } from "../../../../test/support/tiny-model.ts";

const model = (axis?: number): TinyModel => ({
  inputs: { x: { dims: [2, 3] } },
  constants: {
    limit: { dims: [3], data: [1, 2, 3] },
    t: { dims: [], data: [1.5] },
  },
  nodes: [
    // Known only once constants are folded.
    ["Greater", ["limit", "t"], "condition"],
    ["Compress", ["x", "condition"], "kept", axis === undefined ? {} : { axis }],
    ["Mul", ["kept", "kept"], "y"],
  ],
});

it.each([
  [1, [2, 2], [0, 4, 6, 0, 10, 12]],
  [undefined, [2], [0, 4, 6, 0, 0, 0]],
])("knows the dims behind a constant condition (axis %s)", async (axis, dims, expected) => {
  const derived = await derive(model(axis));
  expect(derived.types.get("y")?.dims).toEqual(dims);
  const count = dims.reduce((product, d) => product * d, 1);
  const { x_grad } = await run(derived, {
    x: new ort.Tensor("float32", [1, 2, 3, 4, 5, 6], [2, 3]),
    y_grad: new ort.Tensor("float32", new Float32Array(count).fill(1), dims),
  });
  expect([...((x_grad as ort.Tensor).data as Float32Array)]).toEqual(expected);
});
