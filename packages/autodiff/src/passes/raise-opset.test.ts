import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  ModelProtoSchema,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  floats,
  graph,
  graphAttribute,
  localFunction,
  modelProto,
  node,
} from "../../../../test/support/model-proto.ts";
import { makeAttributes } from "../graph/attribute.ts";
import { readModel } from "../model/read-model.ts";
import { makeTensor } from "../model/tensor.ts";
import { writeModel } from "../model/write-model.ts";
import { resolve } from "../resolve/resolve.ts";

const ints = (name: string, ...data: number[]) => makeTensor(name, "int64", [data.length], data);
const scalar = (name: string, number: number) => floats(name, [], [number]);
const scales = (...list: number[]) =>
  create(AttributeProtoSchema, { name: "scales", type: Type.FLOATS, floats: list });

interface Example {
  readonly opset: number;
  readonly dims?: readonly number[];
  readonly nodes: readonly NodeProto[];
  readonly initializer?: readonly TensorProto[];
  readonly outputs?: readonly string[];
}

const one = (
  opset: number,
  opType: string,
  attributes: Parameters<typeof node>[3] = {},
  more: Partial<Example> & { readonly inputs?: readonly string[] } = {},
): Example => ({
  opset,
  nodes: [node(opType, more.inputs ?? ["x"], more.outputs ?? ["y"], attributes)],
  ...more,
});

const conv = [2, 3, 4, 5];
const region = floats("rois", [2, 4], [0, 0, 3, 3, 1, 0.5, 4, 3.2]);

/** For each change a node that means something else, or nothing, if it is left as it is. */
const examples: Readonly<Record<string, Example>> = {
  "Slice 1": one(7, "Slice", { starts: [1, -3], ends: [3, 9_999_999_999], axes: [1, 2] }),
  "Slice 1 without axes": one(9, "Slice", { starts: [0, 1], ends: [1, 3] }),
  "TopK 1": one(9, "TopK", { k: 2, axis: 2 }, { outputs: ["y", "at"] }),
  "TopK 10": one(
    10,
    "TopK",
    { axis: 2 },
    {
      inputs: ["x", "k"],
      outputs: ["y", "at"],
      initializer: [ints("k", 2)],
    },
  ),
  "Upsample 7 nearest": one(7, "Upsample", [scales(1, 1, 2, 2.5)], { dims: conv }),
  "Upsample 7 linear": one(
    8,
    "Upsample",
    [...makeAttributes({ mode: "linear" }), scales(1, 1, 2, 3)],
    { dims: conv },
  ),
  "Upsample 9": one(
    9,
    "Upsample",
    { mode: "linear" },
    {
      dims: conv,
      inputs: ["x", "s"],
      initializer: [floats("s", [4], [1, 1, 1.5, 2])],
    },
  ),
  ...Object.fromEntries(
    [
      [2, 3],
      [0.4, 0.6],
      [1.7, 0.45],
    ].flatMap((factors) =>
      ["nearest", "linear"].map((mode) => [
        `Resize 10 ${mode} by ${factors.join(" and ")}`,
        one(
          10,
          "Resize",
          { mode },
          {
            dims: [1, 2, 10, 11],
            inputs: ["x", "s"],
            initializer: [floats("s", [4], [1, 1, ...factors])],
          },
        ),
      ]),
    ),
  ),
  "Clip 6": one(9, "Clip", { min: { float: -0.25 }, max: { float: 0.5 } }),
  "Clip 6 with one bound": one(10, "Clip", { max: { float: 0.5 } }),
  "Clip 6 without": one(7, "Clip"),
  "Pad 2": one(10, "Pad", { pads: [0, 1, 0, 0, 0, 2], value: { float: 0.75 } }),
  "Pad 2 reflect": one(7, "Pad", { pads: [0, 0, 0, 0, 1, 2], mode: "reflect" }),
  "Scatter 9": one(
    9,
    "Scatter",
    { axis: 1 },
    {
      dims: [2, 3],
      inputs: ["x", "at", "u"],
      initializer: [makeTensor("at", "int64", [2, 1], [2, 0]), floats("u", [2, 1], [7, 8])],
    },
  ),
  "Dropout 7": one(7, "Dropout", { ratio: { float: 0.9 } }),
  "Dropout 10": one(10, "Dropout"),
  ...Object.fromEntries(
    ["Softmax", "LogSoftmax", "Hardmax"].flatMap((opType) => [
      [`${opType} 1`, one(7, opType)],
      [`${opType} 11 over axis 2`, one(12, opType, { axis: 2 }, { dims: conv })],
      [`${opType} 11 over axis -2`, one(11, opType, { axis: -2 }, { dims: conv })],
      [`${opType} 11 over axis -1`, one(12, opType, { axis: -1 })],
      [`${opType} 11 over axis 0`, one(12, opType, { axis: 0 })],
    ]),
  ),
  "ReduceSum 1": one(11, "ReduceSum", { axes: [0, 2], keepdims: 0 }),
  "ReduceSum 1 of all": one(12, "ReduceSum"),
  "Squeeze 1": one(7, "Squeeze", { axes: [1] }, { dims: [2, 1, 3, 1] }),
  "Squeeze 11 of all": one(11, "Squeeze", {}, { dims: [2, 1, 3, 1] }),
  "Unsqueeze 1": one(12, "Unsqueeze", { axes: [0, 2] }),
  "Split 2": one(12, "Split", { axis: 1, split: [1, 2] }, { outputs: ["y", "z"] }),
  "Split 2 in halves": one(7, "Split", { axis: 2 }, { outputs: ["y", "z"] }),
  "BatchNormalization 7": one(
    7,
    "BatchNormalization",
    { spatial: 1 },
    {
      inputs: ["x", "s", "b", "m", "v"],
      initializer: [
        floats("s", [3], [1, 2, 3]),
        floats("b", [3], [-1, 0, 1]),
        floats("m", [3], [0, 0.1, 0.2]),
        floats("v", [3], [1, 0.5, 2]),
      ],
    },
  ),
  ...Object.fromEntries(
    ["avg", "max"].map((mode) => [
      `RoiAlign 10 ${mode}`,
      one(
        10,
        "RoiAlign",
        { output_height: 2, output_width: 3, sampling_ratio: 2, mode },
        {
          dims: conv,
          inputs: ["x", "rois", "batch"],
          initializer: [region, ints("batch", 0, 1)],
        },
      ),
    ]),
  ),
  "nodes of a branch": {
    opset: 9,
    nodes: [
      node("ReduceMax", ["x"], ["m"], { keepdims: 0 }),
      node("Greater", ["m", "zero"], ["c"]),
      node(
        "If",
        ["c"],
        ["y"],
        [
          graphAttribute(
            "then_branch",
            graph([node("Clip", ["x"], ["t"], { max: { float: 0.1 } })], ["t"]),
          ),
          graphAttribute("else_branch", graph([node("Softmax", ["x"], ["e"])], ["e"])),
        ],
      ),
    ],
    initializer: [scalar("zero", 0)],
  },
};

async function outputsOf(bytes: Uint8Array, dims: readonly number[], names: readonly string[]) {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "disabled" });
  const count = dims.reduce((n, d) => n * d, 1);
  const x = new ort.Tensor(
    "float32",
    Float32Array.from({ length: count }, (_, i) => Math.sin(3 * i + 1)),
    dims,
  );
  const results = await session.run({ x });
  await session.release();
  return names.map((name) => {
    const { type, dims: found, data } = results[name] as ort.Tensor;
    return { type, dims: found, data: [...(data as Float32Array)] };
  });
}

async function raised(proto: ModelProto) {
  const bytes = toBinary(ModelProtoSchema, proto);
  const { model } = await resolve(await readModel(bytes), ort);
  return { bytes, model, written: writeModel(model, "embed").bytes };
}

describe("raiseOpset", () => {
  it.each(Object.entries(examples))("keeps what %s computes", async (_, example) => {
    const { opset, nodes, initializer, dims = [2, 3, 4], outputs = ["y"] } = example;
    const { bytes, model, written } = await raised(
      modelProto({ x: dims }, nodes, outputs, { opset, initializer }),
    );
    expect(model.opset).toBe(17);
    expect(await outputsOf(written, dims, outputs)).toEqual(await outputsOf(bytes, dims, outputs));
  });

  it("computes bounded float64 values in float32, and says so", async () => {
    const proto = modelProto(
      { x: [2, 3] },
      [node("Clip", ["x"], ["y"], { max: { float: 0.1 } })],
      ["y"],
      {
        opset: 10,
      },
    );
    const type = proto.graph?.input[0]?.type?.value;
    if (type?.case === "tensorType") {
      type.value.elemType = 11;
    }
    const resolved = await resolve(await readModel(toBinary(ModelProtoSchema, proto)), ort);
    expect(resolved.types.get("y")?.dtype).toBe("float32");
    expect(resolved.adaptations.floats).toEqual(["float64"]);
  });

  it("brings functions and model to the newest opset of all", async () => {
    const dims = [1, 2, 4, 6];
    const proto = modelProto(
      { x: dims },
      [
        node("ReduceMean", ["x"], ["m"], { axes: [2] }),
        node("Split", ["m"], ["l", "r"], { axis: 3 }),
        node("Add", ["l", "r"], ["s"]),
        node("my.Old", ["x"], ["o"]),
        node("my.New", ["o"], ["n"]),
        node("Mul", ["n", "s"], ["y"]),
      ],
      ["y"],
      {
        opset: 13,
        domains: ["my"],
        functions: [
          localFunction(
            "my.Old",
            ["a"],
            ["b"],
            [
              node("Slice", ["a"], ["h"], { starts: [0], ends: [3], axes: [3] }),
              node("Softmax", ["h"], ["b"], { axis: 2 }),
            ],
            { opset: 9 },
          ),
          localFunction(
            "my.New",
            ["a"],
            ["b"],
            [
              node("Constant", [], ["axes"], { value_ints: [1] }),
              node("ReduceMax", ["a", "axes"], ["b"]),
            ],
            { opset: 18 },
          ),
        ],
      },
    );
    const { model, written } = await raised(proto);
    expect(model.opset).toBe(18);
    const [found] = await outputsOf(written, dims, ["y"]);
    const x = Float32Array.from({ length: 48 }, (_, i) => Math.sin(3 * i + 1));
    const at = (c: number, h: number, w: number) => x[(c * 4 + h) * 6 + w] as number;
    const each = <T>(n: number, f: (i: number) => T) => Array.from({ length: n }, (_, i) => f(i));
    const all = (c: number) => each(4, (h) => each(3, (w) => Math.exp(at(c, h, w)))).flat();
    const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
    const soft = (c: number, h: number, w: number) => Math.exp(at(c, h, w)) / sum(all(c));
    const mean = (c: number, w: number) => sum(each(4, (h) => at(c, h, w))) / 4;
    const expected = each(2, (c) =>
      each(4, (h) =>
        each(3, (w) => Math.max(soft(0, h, w), soft(1, h, w)) * (mean(c, w) + mean(c, w + 3))),
      ),
    ).flat(2);
    expect(found?.dims).toEqual([1, 2, 4, 3]);
    found?.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5));
  });

  it("brings along what a model without nodes of its own opset needs", async () => {
    const old = localFunction(
      "my.Old",
      ["a"],
      ["b"],
      [node("Slice", ["a"], ["b"], { starts: [1], ends: [2] })],
      { opset: 9 },
    );
    const proto = modelProto({ x: [3] }, [node("my.Old", ["x"], ["y"])], ["y"], {
      domains: ["my"],
      functions: [old],
    });
    proto.opsetImport = proto.opsetImport.filter(({ domain }) => domain === "my");
    const { model, written } = await raised(proto);
    expect(model.opset).toBe(17);
    const [found] = await outputsOf(written, [3], ["y"]);
    expect(found?.data).toEqual([Math.fround(Math.sin(4))]);
  });

  it.each<[string, Partial<Example> & Pick<Example, "opset">, string]>([
    [
      "Scan",
      { opset: 8 },
      "Scan 'y_node' of opset 8: its first axis is the batch, which opset 9 has not",
    ],
    ["ImageScaler", { opset: 7 }, "ImageScaler 'y_node' of opset 7: it was experimental"],
    [
      "BatchNormalization",
      {
        opset: 8,
        nodes: [node("BatchNormalization", ["x", "x", "x", "x", "x"], ["y"], { spatial: 0 })],
      },
      "statistics are those of pixels",
    ],
    [
      "BatchNormalization",
      { opset: 13, nodes: [node("BatchNormalization", ["x", "x", "x", "x", "x"], ["y", "mean"])] },
      "outputs of training",
    ],
    ["Relu", { opset: 6 }, "found opset 6"],
    ["Relu", { opset: 40 }, "found opset 40"],
  ])(
    "refuses %s of %o by name",
    async (opType, { opset, nodes = [node(opType, ["x"], ["y"])] }, text) => {
      const proto = modelProto({ x: [2, 3] }, nodes, ["y"], { opset });
      await expect(raised(proto)).rejects.toMatchObject({
        code: "ERR_OPSET",
        message: expect.stringContaining(text),
      });
    },
  );

  it("refuses IR versions that are not known", async () => {
    const proto = modelProto({ x: [2, 3] }, [node("Relu", ["x"], ["y"])], ["y"]);
    proto.irVersion = 99n;
    await expect(raised(proto)).rejects.toMatchObject({ code: "ERR_OPSET" });
  });
});
