import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  NodeProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ModelProto,
  type TensorShapeProto_Dimension,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { golden, unet, unetDynamo } from "../../../../test/support/golden-scene.ts";
import { derive, run, tinyModel, type TinyModel } from "../../../../test/support/tiny-model.ts";
import { valueInfo } from "../graph/value-info.ts";
import { readModel } from "../model/read-model.ts";
import { resolve, type ResolveOptions } from "./resolve.ts";

async function resolved(
  model: TinyModel,
  options?: ResolveOptions,
  change: (proto: ModelProto) => unknown = () => {},
) {
  const proto = fromBinary(ModelProtoSchema, tinyModel(model));
  change(proto);
  return await resolve(await readModel(toBinary(ModelProtoSchema, proto)), ort, options);
}

const dimension = (value: string | number): TensorShapeProto_Dimension =>
  create(TensorShapeProto_DimensionSchema, {
    value:
      typeof value === "string"
        ? { case: "dimParam", value }
        : { case: "dimValue", value: BigInt(value) },
  });

/** Declares other dims for the first input. */
const declare =
  (...dims: (string | number)[]) =>
  ({ graph }: ModelProto) => {
    const type = graph?.input[0]?.type?.value;
    if (type?.case === "tensorType") {
      type.value.shape!.dim = dims.map(dimension);
    }
  };

const relu: TinyModel = { inputs: { x: { dims: [1, 4] } }, nodes: [["Relu", ["x"], "y"]] };

describe("input dims", () => {
  it("are taken from the model", async () => {
    expect((await resolved(relu)).types.get("y")).toEqual({ dtype: "float32", dims: [1, 4] });
  });

  it.each([[["n", 4]], [["", 4]], [[-1, 4]], [[0, 4]]])(
    "are given where %j is dynamic",
    async (dims) => {
      const change = declare(...dims);
      const { types, model } = await resolved(relu, { dims: { x: [3, 4] } }, change);
      expect(types.get("y")?.dims).toEqual([3, 4]);
      expect(model.declaredInputs()[0]?.dims).toEqual([3, 4]);
      await expect(resolved(relu, {}, change)).rejects.toMatchObject({
        code: "ERR_INPUT_DIMS",
        message: expect.stringContaining(
          'give concrete ones, for example `dims: {"x":[1,4',
        ) as string,
      });
    },
  );

  it("may be of undeclared rank", async () => {
    const change = ({ graph }: ModelProto) => {
      const type = graph?.input[0]?.type?.value;
      if (type?.case === "tensorType") {
        type.value.shape = undefined;
      }
    };
    const { types } = await resolved(relu, { dims: { x: [2, 2, 2] } }, change);
    expect(types.get("y")?.dims).toEqual([2, 2, 2]);
    await expect(resolved(relu, {}, change)).rejects.toThrow("has dims of any rank");
  });

  it.each([[[1, 5]], [[4]], [[1, 4, 1]], [[1, 0]], [[1, -4]], [[1, 4.5]], [[Number.NaN, 4]], [[]]])(
    "may not be %j",
    async (dims) => {
      await expect(resolved(relu, { dims: { x: dims } })).rejects.toMatchObject({
        code: "ERR_INPUT_DIMS",
      });
    },
  );

  it("are for inputs that the model has", async () => {
    await expect(resolved(relu, { dims: { image: [1, 4] } })).rejects.toThrow(
      "Dims are given for 'image' but the model's inputs are 'x': name one of them.",
    );
  });

  it("leave the model given as it is", async () => {
    const model = await readModel(readFileSync(unet));
    const before = toBinary(ModelProtoSchema, model.proto);
    await resolve(model, ort, { dims: { image: [1, 3, 92, 92] } });
    expect(toBinary(ModelProtoSchema, model.proto)).toEqual(before);
  });
});

describe("scaffolding", () => {
  it("may contradict: value_info and declared output dims", async () => {
    const { types, model } = await resolved(
      {
        ...relu,
        nodes: [
          ["Relu", ["x"], "h"],
          ["Neg", ["h"], "y"],
        ],
      },
      {},
      ({ graph }) => {
        graph?.valueInfo.push(valueInfo({ name: "h", dtype: "float32", dims: [7, 7] }));
        graph!.output = [valueInfo({ name: "y", dtype: "float32", dims: [9, 9] })];
      },
    );
    expect([types.get("h")?.dims, types.get("y")?.dims]).toEqual([
      [1, 4],
      [1, 4],
    ]);
    expect(model.graph.valueInfo).toEqual([]);
  });

  it("may list initializers among the inputs, as IR version 3 does", async () => {
    const model: TinyModel = {
      opset: 11,
      inputs: { w: { dims: [4] }, x: { dims: [1, 4] } },
      constants: { w: { dims: [4], data: [1, 2, 3, 4] } },
      nodes: [
        ["Mul", ["x", "w"], "h"],
        ["Add", ["h", "w"], "y"],
      ],
    };
    const { model: fixed, types } = await resolved(model, {}, (proto) => (proto.irVersion = 3n));
    expect(fixed.graph.input.map(({ name }) => name)).toEqual(["x"]);
    expect(fixed.proto.irVersion).toBe(8n);
    expect(types.get("y")?.dims).toEqual([1, 4]);
  });

  it("names nodes, and not by names that are taken", async () => {
    const { model } = await resolved(
      {
        ...relu,
        nodes: [
          ["Relu", ["x"], "Neg_1"],
          ["Neg", ["Neg_1"], "y"],
        ],
      },
      {},
      ({ graph }) => graph?.node.forEach((node) => (node.name = "")),
    );
    expect(model.graph.node.map(({ name }) => name)).toEqual(["Relu_0", "Neg_1_1"]);
  });

  it("counts ai.onnx as the default domain", async () => {
    const { model } = await resolved(relu, {}, (proto) => {
      Object.assign(proto.opsetImport[0] as object, { domain: "ai.onnx" });
      Object.assign(proto.graph?.node[0] as object, { domain: "ai.onnx" });
    });
    expect(model.graph.node[0]?.domain).toBe("");
    expect(model.opset).toBe(17);
  });

  it("puts nodes in order, and refuses cycles", async () => {
    const nodes: TinyModel["nodes"] = [
      ["Neg", ["h"], "y"],
      ["Relu", ["x"], "h"],
    ];
    const { model } = await resolved({ ...relu, nodes, outputs: ["y"] });
    expect(model.graph.node.map(({ opType }) => opType)).toEqual(["Relu", "Neg"]);
    const loop: TinyModel["nodes"] = [
      ["Add", ["x", "b"], "a"],
      ["Neg", ["a"], "b"],
    ];
    await expect(resolved({ ...relu, nodes: loop })).rejects.toMatchObject({
      code: "ERR_MODEL_CYCLE",
    });
  });
});

describe("constants", () => {
  const ints = (...data: number[]) => ({ dtype: "int64", dims: [data.length], data }) as const;

  it("are folded out of a legacy U-Net: no shape computation is left", async () => {
    const model = await readModel(readFileSync(unet));
    expect(model.graph.node.some((node) => node.opType === "Shape")).toBe(true);
    const { model: fixed, types } = await resolve(model, ort, { dims: { image: [2, 3, 100, 92] } });
    const left = new Set(fixed.graph.node.map((node) => node.opType));
    expect([...left].toSorted()).toEqual([
      "Concat",
      "Conv",
      "ConvTranspose",
      "MaxPool",
      "Relu",
      "Slice",
    ]);
    expect(types.get("logits")?.dims).toEqual([2, 2, 60, 52]);
  });

  it("are known in a dynamo U-Net", async () => {
    const model = await readModel(readFileSync(unetDynamo), {
      loadExternalData: (location) => Promise.resolve(readFileSync(golden(location))),
    });
    const { model: fixed, types } = await resolve(model, ort);
    for (const node of fixed.graph.node) {
      node.output.forEach((name) => expect(types.has(name), name).toBe(true));
    }
    expect(types.get("logits")?.dims).toEqual([1, 2, 52, 52]);
  });

  it("are folded through shape, arithmetic and reshape", async () => {
    const { model, types } = await resolved({
      inputs: { x: { dims: [2, 3, 4] } },
      constants: { last: ints(2), rest: ints(-1) },
      nodes: [
        ["Shape", ["x"], "s"],
        ["Gather", ["s", "last"], "c"],
        ["Concat", ["rest", "c"], "dims", { axis: 0 }],
        ["Reshape", ["x", "dims"], "y"],
      ],
    });
    expect(model.graph.node.map(({ opType }) => opType)).toEqual(["Reshape"]);
    expect(types.get("y")?.dims).toEqual([6, 4]);
  });

  it.each([
    [{ start: 1 }, [3, 4]],
    [{ start: -1 }, [4]],
    [{ end: -1 }, [2, 3]],
    [{ start: 1, end: 2 }, [3]],
    [{ start: -9, end: 9 }, [2, 3, 4]],
  ])("are parts of a shape: %o", async (attributes, expected) => {
    const model = await resolved({
      inputs: { x: { dims: [2, 3, 4] } },
      nodes: [
        ["Shape", ["x"], "s", attributes],
        ["Expand", ["one", "s"], "e"],
        ["ReduceSum", ["e"], "sum", { keepdims: 0 }],
        ["Mul", ["x", "sum"], "y"],
      ],
      constants: { one: { dims: [], data: [1] } },
    });
    const product = expected.reduce((n, d) => n * d, 1);
    const { node } = model.model.graph;
    expect(node.map(({ opType }) => opType)).toEqual(["Mul"]);
    expect(model.constant(node[0]?.input[1] as string)).toEqual([product]);
  });

  it("keep INT64_MAX as the end of a slice", async () => {
    const highest = 2n ** 63n - 1n;
    const derived = await resolved(
      {
        inputs: { x: { dims: [5] } },
        constants: { starts: ints(1), axes: ints(0) },
        nodes: [
          ["Constant", [], "ends", { value_ints: [0] }],
          ["Slice", ["x", "starts", "ends", "axes"], "y"],
        ],
      },
      {},
      ({ graph }) => (graph!.node[0]!.attribute[0]!.ints = [highest]),
    );
    expect(derived.types.get("y")?.dims).toEqual([4]);
  });

  it("are not made of random numbers", async () => {
    const { model } = await resolved({
      inputs: { x: { dims: [3] } },
      nodes: [
        ["RandomNormal", [], "noise", { shape: [3], seed: { float: 1 } }],
        ["Add", ["x", "noise"], "y"],
      ],
    });
    expect(model.graph.node.map(({ opType }) => opType)).toEqual(["RandomNormal", "Add"]);
  });

  it("may be outputs of the model", async () => {
    const { model } = await resolved({
      inputs: { x: { dims: [2, 3] } },
      nodes: [
        ["Relu", ["x"], "y"],
        ["Shape", ["x"], "s"],
      ],
      outputs: ["y", "s"],
    });
    expect(model.graph.output.map(({ name }) => name)).toEqual(["y", "s"]);
    expect(model.graph.node.map(({ opType }) => opType).toSorted()).toEqual(["Relu", "Shape"]);
  });
});

it.each([22, 23])("lowers opset %i, and the gradient is right", async (opset) => {
  const derived = await derive({
    opset,
    inputs: { x: { dims: [1, 1, 4, 4] } },
    nodes: [["MaxPool", ["x"], "y", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }]],
  });
  expect(derived.model.opset).toBe(21);
  const data = Float32Array.from({ length: 16 }, (_, i) => i);
  const { x_grad } = await run(derived, {
    x: new ort.Tensor("float32", data, [1, 1, 4, 4]),
    y_grad: new ort.Tensor("float32", [1, 2, 3, 4], [1, 1, 2, 2]),
  });
  expect([...(x_grad?.data as Float32Array)]).toEqual([
    0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4,
  ]);
});

it("knows dims that ceil_mode hid from shape inference", async () => {
  const { types, model } = await resolved({
    inputs: { x: { dims: [1, 1, 5, 5] } },
    nodes: [
      [
        "MaxPool",
        ["x"],
        "p",
        { kernel_shape: [2, 2], strides: [3, 3], pads: [0, 0, 1, 1], ceil_mode: 1 },
      ],
      ["Relu", ["p"], "y"],
    ],
  });
  expect(types.get("y")?.dims).toEqual([1, 1, 2, 2]);
  expect(model.graph.node[0]?.attribute.find(({ name }) => name === "ceil_mode")?.i).toBe(0n);
});

it("passes on what the runtime says against a model", async () => {
  await expect(
    resolved({ ...relu, nodes: [["NoSuchOperator", ["x"], "y"]] }),
  ).rejects.toMatchObject({
    code: "ERR_MODEL_REFUSED",
    message: expect.stringContaining("NoSuchOperator") as string,
  });
  await expect(
    resolved(relu, {}, ({ graph }) =>
      graph?.node.push(
        create(NodeProtoSchema, { opType: "Add", input: ["x", "none"], output: ["z"] }),
      ),
    ),
  ).resolves.toBeDefined();
});
