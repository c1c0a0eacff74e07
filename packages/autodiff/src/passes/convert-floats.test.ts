import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { run, tinyModel, type TinyModel } from "../../../../test/support/tiny-model.ts";
import { differentiate } from "../reverse-mode/differentiate.ts";
import { valueInfo } from "../graph/value-info.ts";
import { dataTypeFromProto, type DataType } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { readModel } from "../model/read-model.ts";
import { makeTensor, readTensor } from "../model/tensor.ts";
import { writeModel } from "../model/write-model.ts";
import { resolve, type ResolveOptions } from "../resolve/resolve.ts";
import { convertFloats } from "./convert-floats.ts";

const half = "float16" as const;
const float16: ReadonlySet<DataType> = new Set([half]);

async function derived(model: TinyModel, options?: ResolveOptions) {
  return differentiate(await resolve(await readModel(tinyModel(model)), ort, options));
}

const floats = (result: ort.InferenceSession.OnnxValueMapType, name: string) => [
  ...(result[name]?.data as Float32Array),
];

const feed = (data: readonly number[], dims = [data.length]) =>
  new ort.Tensor("float32", Float32Array.from(data), dims);

it("keeps large weights where they are, behind a Cast", async () => {
  const count = 64 * 64 * 9;
  const data = Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i)));
  const model = await derived({
    inputs: { x: { dtype: half, dims: [1, 64, 4, 4] } },
    constants: { w: { dtype: half, dims: [64, 64, 3, 3], data } },
    nodes: [["Conv", ["x", "w"], "y", { pads: [1, 1, 1, 1] }]],
  });
  const { bytes, externalData } = writeModel(model.model, "reference");
  expect(bytes.length).toBeLessThan(2000);
  const session = await ort.InferenceSession.create(bytes, { externalData: [...externalData] });
  await session.release();
  const stored = model.model.graph.initializer.find(({ name }) => name === "w_float16");
  expect(stored && dataTypeFromProto(stored.dataType)).toBe(half);
});

it("converts every attribute that holds a type, and constants of that type", async () => {
  const model = await derived({
    opset: 17,
    inputs: { x: { dims: [3] } },
    constants: {
      low: { dtype: half, dims: [], data: [-65504] },
      high: { dtype: half, dims: [], data: [65504] },
      epsilon: { dtype: half, dims: [1], data: [2 ** -20] },
    },
    nodes: [
      ["Cast", ["x"], "h", { to: 10 }],
      ["Clip", ["h", "low", "high"], "c"],
      ["RandomUniform", [], "n", { dtype: 10, shape: [3], low: { float: 0 }, high: { float: 0 } }],
      ["Add", ["c", "n"], "s"],
      ["Add", ["s", "epsilon"], "e"],
      ["Mul", ["e", "e"], "m"],
      ["Cast", ["m"], "y", { to: 1 }],
    ],
  });
  // 300² overflows float16, 2⁻²⁰ vanishes beside 1 in it, 70000 is clipped.
  const result = await run(model, { x: feed([300, 1, 70000]), y_grad: feed([1, 1, 1]) });
  expect(floats(result, "y")).toEqual(
    [90000, Math.fround((1 + 2 ** -20) ** 2), 65504 ** 2].map(Math.fround),
  );
  expect(floats(result, "x_grad")).toEqual([600, 2 + 2 ** -19, 0]);
  for (const { dtype } of model.types.values()) {
    expect(dtype).not.toBe(half);
  }
});

describe("in place", () => {
  async function convert(change: (model: Model) => void) {
    const model = await readModel(
      tinyModel({ inputs: { x: { dtype: half, dims: [2] } }, nodes: [["Relu", ["x"], "y"]] }),
    );
    change(model);
    const context = { floatTypes: float16, foundFloats: new Set<DataType>() };
    expect(convertFloats(model, context)).toBe(true);
    expect([...context.foundFloats]).toEqual([half]);
    return model.graph;
  }

  it("reaches into subgraphs", async () => {
    const value = makeTensor("", half, [2], [0.5, -0.5]);
    const graph = await convert((model) => {
      const inner = create(GraphProtoSchema, {
        input: [valueInfo({ name: "i", dtype: half, dims: [2] })],
        initializer: [
          makeTensor("small", half, [1], [3]),
          makeTensor(
            "large",
            half,
            [300],
            Array.from({ length: 300 }, () => 1),
          ),
        ],
        node: [
          create(NodeProtoSchema, {
            opType: "Constant",
            output: ["c"],
            attribute: [
              create(AttributeProtoSchema, {
                name: "value",
                type: AttributeProto_AttributeType.TENSOR,
                t: value,
              }),
            ],
          }),
        ],
        output: [create(ValueInfoProtoSchema, { name: "c" })],
      });
      model.graph.node.push(
        create(NodeProtoSchema, {
          opType: "If",
          attribute: [create(AttributeProtoSchema, { name: "then_branch", g: inner })],
        }),
      );
    });
    const inner = graph.node[1]?.attribute[0]?.g;
    const type = inner?.input[0]?.type?.value;
    expect(type?.case === "tensorType" && dataTypeFromProto(type.value.elemType)).toBe("float32");
    expect(inner?.node.map(({ opType }) => opType)).toEqual(["Cast", "Constant"]);
    const constant = inner?.node[1]?.attribute[0]?.t;
    expect(constant && readTensor(constant)).toEqual([0.5, -0.5]);
    expect(constant && dataTypeFromProto(constant.dataType)).toBe("float32");
    expect(inner?.initializer.map(({ name, dataType }) => [name, dataType])).toEqual([
      ["small", 1],
      ["large_float16", 10],
    ]);
  });

  it("leaves attributes of other types alone", async () => {
    const graph = await convert((model) => {
      model.graph.node.push(
        create(NodeProtoSchema, {
          opType: "Cast",
          attribute: [create(AttributeProtoSchema, { name: "to", i: 7n })],
        }),
        create(NodeProtoSchema, {
          opType: "Transpose",
          attribute: [create(AttributeProtoSchema, { name: "axis", i: 10n })],
        }),
      );
    });
    expect(graph.node.map(({ attribute }) => attribute[0]?.i)).toEqual([undefined, 7n, 10n]);
  });
});

it("keeps the model's type when told to", async () => {
  const model: TinyModel = {
    inputs: { x: { dtype: half, dims: [2] } },
    nodes: [["Mul", ["x", "x"], "y"]],
  };
  const kept = await derived(model, { precision: "model" });
  expect(kept.types.get("x_grad")?.dtype).toBe(half);
  expect(kept.adaptations.floats).toEqual([]);
  const bits = (...numbers: readonly number[]) =>
    new Uint16Array(makeTensor("", half, [2], numbers).rawData.buffer);
  const result = await run(kept, {
    x: new ort.Tensor("float16", bits(3, -1), [2]),
    y_grad: new ort.Tensor("float16", bits(1, 1), [2]),
  });
  expect(result["x_grad"]?.data).toEqual(bits(6, -2));
});

describe("float64", () => {
  const x = { dtype: "float64", dims: [1, 1, 4, 4] } as const;

  it("stays where the runtime has kernels", async () => {
    const model = await derived({
      inputs: { x },
      nodes: [
        ["MaxPool", ["x"], "p", { kernel_shape: [2, 2], strides: [1, 1] }],
        ["Sigmoid", ["p"], "y"],
      ],
    });
    expect(model.types.get("x_grad")?.dtype).toBe("float64");
    const data = Float64Array.from({ length: 16 }, (_, i) => (i * 7) % 16);
    const result = await run(model, {
      x: new ort.Tensor("float64", data, [1, 1, 4, 4]),
      y_grad: new ort.Tensor("float64", new Float64Array(9).fill(1), [1, 1, 3, 3]),
    });
    expect(result["x_grad"]?.type).toBe("float64");
  });

  it("becomes float32 where it has not", async () => {
    const model = await derived({
      inputs: { x },
      constants: { w: { dtype: "float64", dims: [1, 1, 1, 1], data: [3] } },
      nodes: [["Conv", ["x", "w"], "y"]],
    });
    expect(model.adaptations.floats).toEqual(["float64"]);
    expect(model.types.get("x_grad")?.dtype).toBe("float32");
  });

  it("is refused by name of the operator where it has not and is to stay", async () => {
    const model: TinyModel = { inputs: { x }, nodes: [["Erf", ["x"], "y"]] };
    await expect(derived(model, { precision: "model" })).rejects.toThrow(/Erf/);
  });
});
