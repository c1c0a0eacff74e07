import { create } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
} from "onnx-buf";
import { expect, it } from "vitest";
import { dataTypeFromProto } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { makeTensor, readTensor } from "../model/tensor.ts";
import { constantsToInitializers } from "./constants-to-initializers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function convert(attribute: object, change: object = {}) {
  const graph = create(GraphProtoSchema, {
    node: [
      create(NodeProtoSchema, {
        opType: "Constant",
        output: ["c"],
        attribute: [create(AttributeProtoSchema, attribute)],
        ...change,
      }),
      create(NodeProtoSchema, { opType: "Neg", input: ["c"], output: ["y"] }),
    ],
  });
  const model = new Model(create(ModelProtoSchema, { graph }), []);
  const isChanged = constantsToInitializers(model);
  expect(isChanged).toBe(model.graph.node.length < 2);
  return model.graph;
}

const t = makeTensor("inner", "float16", [2, 1], [0.5, -2]);

it.each([
  ["value", { t }, "float16", [2n, 1n], [0.5, -2]],
  ["value_float", { f: 1.5 }, "float32", [], [1.5]],
  ["value_floats", { floats: [1.5, 2.5] }, "float32", [2n], [1.5, 2.5]],
  ["value_floats", { floats: [] }, "float32", [0n], []],
  ["value_int", { i: -7n }, "int64", [], [-7]],
  ["value_ints", { ints: [3n, -1n] }, "int64", [2n], [3, -1]],
] as const)("takes %s %o", (name, value, dtype, dims, data) => {
  const graph = convert({ name, ...value });
  expect(graph.node.map((node) => node.opType)).toEqual(["Neg"]);
  const [tensor] = graph.initializer as [TensorProto];
  expect(tensor.name).toBe("c");
  expect(dataTypeFromProto(tensor.dataType)).toBe(dtype);
  expect(tensor.dims).toEqual(dims);
  expect(readTensor(tensor)).toEqual(data);
  expect(t.name).toBe("inner");
});

it("keeps all 64 bits", () => {
  const ints = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n];
  expect(convert({ name: "value_ints", ints }).initializer[0]?.int64Data).toEqual(ints);
});

it.each([
  ["value_string", { s: bytes("a") }],
  ["value_strings", { strings: [bytes("a")] }],
  ["sparse_value", { sparseTensor: create(SparseTensorProtoSchema) }],
])("leaves %s a node", (name, value) => {
  const graph = convert({ name, ...value });
  expect(graph.node.map((node) => node.opType)).toEqual(["Constant", "Neg"]);
  expect(graph.initializer).toEqual([]);
});

it("leaves operators of that name in other domains", () => {
  const graph = convert({ name: "value_int", i: 1n }, { domain: "com.example" });
  expect(graph.node).toHaveLength(2);
});
