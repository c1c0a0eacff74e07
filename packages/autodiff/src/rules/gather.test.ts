import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { derive, run, type TinyModel } from "../../../../test/support/tiny-model.ts";

const size = 700;
const repeated = Array.from({ length: 900 }, (_, i) => (i * 37) % 300);

const constantIndices = (opset: number, data: readonly number[]): TinyModel => ({
  opset,
  inputs: { x: { dims: [2, size] } },
  constants: { indices: { dtype: "int64", dims: [data.length], data } },
  nodes: [["Gather", ["x", "indices"], "y", { axis: 1 }]],
});

const computedIndices = (opset: number, count: number): TinyModel => ({
  opset,
  inputs: { x: { dims: [2, size] }, indices: { dtype: "int32", dims: [count] } },
  nodes: [["Gather", ["x", "indices"], "y", { axis: 1 }]],
});

/** How often each element was taken: the gradient for an upstream of ones. */
async function gradient(model: TinyModel, indices: readonly number[]): Promise<number[]> {
  const feeds: Record<string, ort.Tensor> = {
    x: new ort.Tensor("float32", new Float32Array(2 * size), [2, size]),
    y_grad: new ort.Tensor("float32", new Float32Array(2 * indices.length).fill(1), [
      2,
      indices.length,
    ]),
  };
  if ("indices" in model.inputs) {
    feeds["indices"] = new ort.Tensor("int32", Int32Array.from(indices), [indices.length]);
  }
  const { x_grad } = await run(await derive(model, ["x"]), feeds);
  return [...((x_grad as ort.Tensor).data as Float32Array)];
}

function timesTaken(indices: readonly number[]): number[] {
  const row = Array.from({ length: size }, () => 0);
  indices.forEach((index) => (row[(index + size) % size] = (row[(index + size) % size] ?? 0) + 1));
  return [...row, ...row];
}

describe("gather", () => {
  it.each([7, 11, 13, 17])(
    "adds up computed indices, negative ones too (opset %i)",
    async (opset) => {
      const indices = [...repeated, -1, -1, -size];
      expect(await gradient(computedIndices(opset, indices.length), indices)).toEqual(
        timesTaken(indices),
      );
    },
  );

  it.each([11, 17])("adds up one element taken again and again (opset %i)", async (opset) => {
    const indices = Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? i % size : 5));
    expect(await gradient(computedIndices(opset, indices.length), indices)).toEqual(
      timesTaken(indices),
    );
    expect(await gradient(constantIndices(opset, indices), indices)).toEqual(timesTaken(indices));
  });

  it.each([10, 11, 17])("adds up many repeated constant indices (opset %i)", async (opset) => {
    const everyPlace = [...repeated, ...Array.from({ length: size }, (_, i) => size - 1 - i)];
    for (const indices of [repeated, everyPlace]) {
      expect(await gradient(constantIndices(opset, indices), indices)).toEqual(timesTaken(indices));
    }
  });

  it("puts back many indices without repetition in old opsets", async () => {
    for (const count of [300, 600]) {
      const indices = Array.from({ length: count }, (_, i) => (i * 37) % size);
      expect(await gradient(constantIndices(13, indices), indices)).toEqual(timesTaken(indices));
    }
  });

  it("needs no scatter for a few stretches of neighbours", async () => {
    const { model } = await derive(constantIndices(17, [5, 6, 7, 7, 7, 6, 5]));
    expect(model.graph.node.map((node) => node.opType)).not.toContain("ScatterElements");
  });
});
