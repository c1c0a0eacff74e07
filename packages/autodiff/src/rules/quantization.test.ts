import { TensorProto_DataType } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run, type TinyModel } from "../../../../test/support/tiny-model.ts";

const scalar = (data: number, dtype: "float32" | "uint8" | "int8" = "float32") =>
  ({ dtype, dims: [], data: [data] }) as const;

/** Output and gradient at x, for the upstream gradient 1, 2, 3, … */
async function evaluate(model: TinyModel, x: readonly number[]) {
  const derived = await derive(model);
  const [name = "", { dims }] = Object.entries(model.inputs)[0] as [string, { dims: number[] }];
  const upstream = derived.model.graph.input[1]?.name as string;
  const outDims = derived.types.get(upstream)?.dims ?? [];
  const dy = Float32Array.from({ length: outDims.reduce((n, d) => n * d, 1) }, (_, i) => i + 1);
  const results = await run(derived, {
    [name]: new ort.Tensor("float32", Float32Array.from(x), dims),
    [upstream]: new ort.Tensor("float32", dy, outDims),
  });
  const [y, dx] = derived.model.graph.output.map(({ name: output }) => [
    ...(results[output]?.data as Float32Array),
  ]);
  return { y, dx, types: derived.model.graph.node.map(({ opType }) => opType) };
}

// Values from torch.fake_quantize_per_tensor_affine(x, 0.5, zero_point, low, high).
it("passes what rounds into the range, bounds included, and nothing else", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [7] } },
    constants: { s: scalar(0.5), z: scalar(10, "uint8") },
    nodes: [
      ["QuantizeLinear", ["x", "s", "z"], "q"],
      ["DequantizeLinear", ["q", "s", "z"], "y"],
    ],
  };
  // The range is [-5, 122.5].
  const { y, dx } = await evaluate(model, [-9, -5.2, -5, 0.3, 122.5, 122.7, 140]);
  expect(y).toEqual([-5, -5, -5, 0.5, 122.5, 122.5, 122.5]);
  expect(dx).toEqual([0, 2, 3, 4, 5, 6, 0]);
});

it("takes uint8 and 0 without a zero point, and sums over all who dequantize", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [3] } },
    constants: { s: scalar(0.5), other: scalar(1) },
    nodes: [
      ["QuantizeLinear", ["x", "s"], "q"],
      ["DequantizeLinear", ["q", "s"], "a"],
      ["DequantizeLinear", ["q", "other"], "b"],
      ["Mul", ["a", "b"], "y"],
    ],
  };
  // y = a·b with b = 2a, so dy/dx = 4a.
  const { y, dx } = await evaluate(model, [-3, 2, 4]);
  expect(y).toEqual([0, 8, 32]);
  expect(dx).toEqual([0, 16, 48]);
});

it("has scales per channel", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [1, 2, 2] } },
    constants: {
      s: { dims: [2], data: [0.01, 1] },
      z: { dtype: "int8", dims: [2], data: [0, 100] },
    },
    nodes: [
      ["QuantizeLinear", ["x", "s", "z"], "q", { axis: -2 }],
      ["DequantizeLinear", ["q", "s", "z"], "y", { axis: -2 }],
    ],
  };
  const { dx } = await evaluate(model, [1.27, 1.28, 27, 28]);
  expect(dx).toEqual([1, 0, 3, 0]);
});

it("goes through integer operators between the two", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [1, 1, 2, 4] } },
    constants: {
      s: scalar(0.25),
      z: scalar(-3, "int8"),
      t: scalar(0.5),
      shape: { dtype: "int64", dims: [2], data: [1, 3] },
      extra: { dtype: "int8", dims: [1, 1, 1, 1], data: [5] },
    },
    nodes: [
      ["QuantizeLinear", ["x", "s", "z"], "q"],
      ["MaxPool", ["q"], "pooled", { kernel_shape: [2, 2], strides: [2, 2] }],
      ["Transpose", ["pooled"], "turned", { perm: [0, 1, 3, 2] }],
      ["Concat", ["turned", "extra"], "joined", { axis: 2 }],
      ["Reshape", ["joined", "shape"], "flat"],
      ["DequantizeLinear", ["flat", "t", "z"], "y"],
    ],
  };
  const { y, dx } = await evaluate(model, [1, 2, 3, 4, 5, 6, 7, 100]);
  // The maxima 6 and 32.5 (saturated), in steps of 0.25, dequantized in steps of 0.5.
  expect(y).toEqual([12, 65, 4]);
  expect(dx).toEqual([0, 0, 0, 0, 0, 2, 0, 0]);
});

it("stops at a narrower range, which exporters write as Clip of the integers", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [3] } },
    constants: { s: scalar(0.5), z: scalar(0, "uint8"), high: scalar(127, "uint8") },
    nodes: [
      ["QuantizeLinear", ["x", "s", "z"], "q"],
      ["Clip", ["q", "z", "high"], "c"],
      ["DequantizeLinear", ["c", "s", "z"], "y"],
    ],
  };
  const { y, dx } = await evaluate(model, [10, 63.5, 100]);
  expect(y).toEqual([10, 63.5, 63.5]);
  expect(dx).toEqual([1, 2, 0]);
});

it("lets nothing through comparisons of quantized tensors", async () => {
  const model: TinyModel = {
    inputs: { x: { dims: [2] } },
    constants: { s: scalar(1), z: scalar(0, "int8"), border: scalar(3, "int8") },
    nodes: [
      ["QuantizeLinear", ["x", "s", "z"], "q"],
      ["DequantizeLinear", ["q", "s", "z"], "a"],
      ["Equal", ["q", "border"], "is"],
      ["Cast", ["is"], "mask", { to: 1 }],
      ["Mul", ["a", "mask"], "y"],
    ],
  };
  expect((await evaluate(model, [3, 4])).dx).toEqual([1, 0]);
});

const uint8 = { dtype: "uint8" } as const;

it.each<[string, TinyModel, RegExp]>([
  [
    "MatMulInteger beside a float path",
    {
      inputs: { x: { dims: [2, 2] } },
      constants: { w: { ...uint8, dims: [2, 2], data: [1, 2, 3, 4] } },
      nodes: [
        ["QuantizeLinear", ["x", "one", "zero"], "q"],
        ["MatMulInteger", ["q", "w"], "p"],
        ["Cast", ["p"], "f", { to: 1 }],
        ["Add", ["x", "f"], "y"],
      ],
    },
    /MatMulInteger \(opset 17\).*integer arithmetic has no gradient.*QDQ format/s,
  ],
  [
    "DynamicQuantizeLinear",
    {
      inputs: { x: { dims: [2, 2] } },
      nodes: [
        ["DynamicQuantizeLinear", ["x"], "q s z"],
        ["Cast", ["q"], "y", { to: 1 }],
      ],
    },
    /DynamicQuantizeLinear \(opset 17\).*integer arithmetic/s,
  ],
  [
    "QLinearMatMul",
    {
      inputs: { x: { dims: [2, 2] } },
      constants: { w: { ...uint8, dims: [2, 2], data: [1, 2, 3, 4] } },
      nodes: [
        ["QuantizeLinear", ["x", "one", "zero"], "q"],
        ["QLinearMatMul", ["q", "one", "zero", "w", "one", "zero", "one", "zero"], "p"],
        ["DequantizeLinear", ["p", "one", "zero"], "y"],
      ],
    },
    /QLinearMatMul.*integer arithmetic/s,
  ],
])("refuses %s", async (_, model, message) => {
  const constants = { one: scalar(1), zero: scalar(0, "uint8"), ...model.constants };
  await expect(derive({ ...model, constants })).rejects.toThrow(message);
});

it("has 4 bits, and weights of 4 bits and in blocks", async () => {
  const s = scalar(0.5);
  const model: TinyModel = {
    opset: 21,
    inputs: { x: { dims: [1, 4] } },
    constants: {
      s,
      w: { dtype: "int8", dims: [4, 2], data: [1, 2, 3, 4, 5, 6, 7, 8] },
      t: { dims: [2, 2], data: [1, 2, 3, 4] },
    },
    nodes: [
      ["QuantizeLinear", ["x", "s"], "q", { output_dtype: TensorProto_DataType.INT4 }],
      ["DequantizeLinear", ["q", "s"], "a"],
      ["QuantizeLinear", ["w_float", "s"], "w4", { output_dtype: TensorProto_DataType.INT4 }],
      ["DequantizeLinear", ["w", "t"], "v", { axis: 0, block_size: 2 }],
      ["Cast", ["w"], "w_float", { to: 1 }],
      ["DequantizeLinear", ["w4", "s"], "u"],
      ["Add", ["u", "v"], "weights"],
      ["MatMul", ["a", "weights"], "y"],
    ],
  };
  const { y, dx } = await evaluate(model, [1.3, -5, 3, 9]);
  // a = 1.5 (1.3 / 0.5 rounds to 3 from 2.6), -4, 3, 3.5; u = w up to 3.5, v = w times 1, 2 or 3, 4.
  const weights = [1 + 1, 2 + 4, 3 + 3, 3.5 + 8, 3.5 + 15, 3.5 + 24, 3.5 + 21, 3.5 + 32];
  const a = [1.5, -4, 3, 3.5];
  expect(y).toEqual([0, 1].map((c) => a.reduce((n, v, i) => n + v * (weights[2 * i + c] ?? 0), 0)));
  expect(dx).toEqual(
    [0, 1, 2, 3].map((i) =>
      i === 1 || i === 3 ? 0 : (weights[2 * i] ?? 0) + 2 * (weights[2 * i + 1] ?? 0),
    ),
  );
});
