import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { run, tinyModel, type TinyModel } from "../../../../test/support/tiny-model.ts";
import { differentiate } from "../reverse-mode/differentiate.ts";
import { readModel } from "../model/read-model.ts";
import { resolve } from "../resolve/resolve.ts";

const scalar = (data: number, dtype: "float32" | "uint8" | "int32" = "float32") =>
  ({ dtype, dims: [], data: [data] }) as const;

/** Output and gradient for the upstream gradient 1, 2, 3, … */
async function evaluate(model: TinyModel, x: readonly number[], integerInputs?: readonly string[]) {
  const resolved = await resolve(await readModel(tinyModel(model)), ort, { integerInputs });
  const derived = differentiate(resolved);
  const [input, upstream] = derived.model.graph.input.map(({ name }) => name) as [string, string];
  const dims = derived.types.get(upstream)?.dims ?? [];
  const dy = Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, (_, i) => i + 1);
  const results = await run(derived, {
    [input]: new ort.Tensor("float32", Float32Array.from(x), derived.types.get(input)?.dims),
    [upstream]: new ort.Tensor("float32", dy, dims),
  });
  const [y, dx] = derived.model.graph.output.map(({ name }) => [
    ...(results[name]?.data as Float32Array),
  ]);
  return { y, dx, adaptations: resolved.adaptations };
}

it("takes an image of integers as floats, whatever moves it before its Cast", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: "uint8", dims: [1, 2, 1, 3] } },
    constants: { scale: scalar(0.5) },
    nodes: [
      ["Transpose", ["x"], "t", { perm: [0, 3, 1, 2] }],
      ["Cast", ["t"], "f", { to: 1 }],
      ["Mul", ["f", "scale"], "y"],
    ],
  };
  const { y, dx, adaptations } = await evaluate(model, [1, 2, 3, 4, 5, 6.5]);
  expect(y).toEqual([0.5, 2, 1, 2.5, 1.5, 3.25]);
  expect(dx).toEqual([0.5, 1.5, 2.5, 1, 2, 3]);
  expect(adaptations.integerInputs).toEqual({ x: "uint8" });
});

it("goes through a DequantizeLinear of the image, as fully quantized models have it", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: "uint8", dims: [1, 2, 2] } },
    constants: { s: scalar(0.25), z: scalar(128, "uint8") },
    nodes: [["DequantizeLinear", ["x", "s", "z"], "y"]],
  };
  const { y, dx } = await evaluate(model, [0, 128, 130, 255]);
  expect(y).toEqual([-32, 0, 0.5, 31.75]);
  expect(dx).toEqual([0.25, 0.5, 0.75, 1]);
});

it("goes through exact arithmetic of 32 bits and between integer types", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: "uint8", dims: [1, 1, 2] } },
    constants: { mean: scalar(100, "int32") },
    nodes: [
      ["Cast", ["x"], "i", { to: 6 }],
      ["Sub", ["i", "mean"], "c"],
      ["Cast", ["c"], "y", { to: 1 }],
    ],
  };
  const { y, dx } = await evaluate(model, [90, 120]);
  expect(y).toEqual([-10, 20]);
  expect(dx).toEqual([1, 2]);
});

it("leaves comparisons their integers", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: "uint8", dims: [1, 1, 3] } },
    constants: { black: scalar(0, "uint8") },
    nodes: [
      ["Cast", ["x"], "f", { to: 1 }],
      ["Equal", ["x", "black"], "is"],
      ["Cast", ["is"], "mask", { to: 1 }],
      ["Sub", ["f", "mask"], "y"],
    ],
  };
  const { y, dx } = await evaluate(model, [0, 0.4, 7]);
  expect(y?.[0]).toBe(-1);
  expect(y?.[1]).toBeCloseTo(-0.6);
  expect(y?.[2]).toBe(7);
  expect(dx).toEqual([1, 2, 3]);
});

it("leaves integer inputs alone beside a float one, unless named", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [1, 1, 2] }, n: { dtype: "int32", dims: [1, 1, 2] } },
    nodes: [
      ["Cast", ["n"], "f", { to: 1 }],
      ["Add", ["x", "f"], "y"],
    ],
  };
  const read = await readModel(tinyModel(model));
  expect((await resolve(read, ort)).types.get("n")?.dtype).toBe("int32");
  const named = await resolve(read, ort, { integerInputs: ["n"] });
  expect(named.types.get("n")?.dtype).toBe("float32");
  expect(differentiate(named, { inputs: ["n"] }).types.get("n_grad")?.dims).toEqual([1, 1, 2]);
});

it("names kernels on integers that read the image", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: "uint8", dims: [1, 1, 2, 2] } },
    constants: { w: { dtype: "uint8", dims: [1, 1, 1, 1], data: [3] } },
    nodes: [
      ["ConvInteger", ["x", "w"], "c"],
      ["Cast", ["c"], "y", { to: 1 }],
    ],
  };
  await expect(evaluate(model, [0, 0, 0, 0])).rejects.toThrow(
    /ConvInteger.*integer arithmetic has no gradient/,
  );
  await expect(evaluate(model, [0, 0, 0, 0])).rejects.not.toThrow(/Cast/);
});
