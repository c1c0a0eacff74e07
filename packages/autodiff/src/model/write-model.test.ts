import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  ValueInfoProtoSchema,
  type TensorProto,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  golden,
  readNpyValues,
  unet,
  unet3,
  unetDynamo,
} from "../../../../test/support/golden-scene.ts";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { Model } from "./model.ts";
import { readModel } from "./read-model.ts";
import { makeTensor } from "./tensor.ts";
import { tensorsOf } from "./tensors-of.ts";
import { writeForOutput, writeModel, type WrittenModel } from "./write-model.ts";

const read = (path: string) =>
  readModel(readFileSync(path), {
    loadExternalData: (location) => Promise.resolve(readFileSync(golden(location))),
  });

async function run(
  model: WrittenModel | string,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<Record<string, number[]>> {
  const session = await (typeof model === "string"
    ? ort.InferenceSession.create(model)
    : ort.InferenceSession.create(model.bytes, { externalData: model.externalData }));
  try {
    const results = Object.entries(await session.run(feeds));
    return Object.fromEntries(
      results.map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  } finally {
    await session.release();
  }
}

const isExternal = (tensor: TensorProto) => tensor.dataLocation === 1;

describe.each([
  ["unet-legacy.onnx", unet, 92],
  ["unet-dynamo.onnx", unetDynamo, 92],
  ["unet3.onnx", unet3, 76],
])("%s", (_, path, side) => {
  const pixels = (readNpyValues(golden("unet-gradient.image.npy")) as Float32Array).slice(
    0,
    3 * side * side,
  );
  const feeds = { image: new ort.Tensor("float32", pixels, [1, 3, side, side]) };

  it("computes the same by reference", async () => {
    const written = writeModel(await read(path), "reference");
    expect(written.externalData).toHaveLength(1);
    expect(written.bytes.length).toBeLessThan(40_000);
    expect(await run(written, feeds)).toEqual(await run(path, feeds));
  });

  it("computes the same in one file", async () => {
    const written = writeModel(await read(path), "embed");
    expect(written.externalData).toEqual([]);
    const proto = fromBinary(ModelProtoSchema, written.bytes);
    expect([...tensorsOf(proto)].filter(isExternal)).toEqual([]);
    expect(await run(written, feeds)).toEqual(await run(path, feeds));
  });

  it("writes what it read from its own files again", async () => {
    const written = writeModel(await read(path), "reference");
    const files = new Map(written.externalData.map((file) => [file.path, file.data]));
    const again = await readModel(written.bytes, {
      location: "derived.onnx",
      loadExternalData: (location) => Promise.resolve(files.get(location) as Uint8Array),
    });
    expect(await run(writeModel(again, "embed"), feeds)).toEqual(await run(path, feeds));
  });

  it("gives an inner value", async () => {
    const model = await read(path);
    const inner = model.graph.node.find((node) => node.opType === "Relu")?.output[0] as string;
    const results = await run(writeForOutput(model, inner), feeds);
    expect(Object.keys(results).toSorted()).toEqual(["logits", inner].toSorted());
    expect(Object.keys(await run(writeForOutput(model, "logits"), feeds))).toEqual(["logits"]);
  });
});

const large = Array.from({ length: 300 }, (_, i) => i / 7);
const x = (length: number, value: number) =>
  new ort.Tensor("float32", new Float32Array(length).fill(value), [length]);

it("keeps unknown fields, metadata and doc strings", async () => {
  const bytes = tinyModel({
    inputs: { x: { dims: [300] } },
    constants: { w: { dims: [300], data: large } },
    nodes: [["Mul", ["x", "w"], "y"]],
  });
  const proto = fromBinary(ModelProtoSchema, bytes);
  proto.docString = "made by hand";
  proto.metadataProps = [create(StringStringEntryProtoSchema, { key: "classes", value: "2" })];
  const unknown = () => [{ no: 4000, wireType: 0, data: Uint8Array.of(42) }];
  proto.$unknown = unknown();
  (proto.graph as NonNullable<typeof proto.graph>).$unknown = unknown();
  (proto.graph?.initializer[0] as TensorProto).$unknown = unknown();
  const model = await readModel(toBinary(ModelProtoSchema, proto));
  expect(model.metadata.get("classes")).toBe("2");
  for (const weights of ["reference", "embed"] as const) {
    const again = fromBinary(ModelProtoSchema, writeModel(model, weights).bytes);
    expect(again).toMatchObject({ docString: "made by hand", metadataProps: proto.metadataProps });
    expect(again.$unknown).toMatchObject(unknown());
    expect(again.graph?.$unknown).toMatchObject(unknown());
    expect(again.graph?.initializer[0]?.$unknown).toMatchObject(unknown());
  }
});

describe("large tensors outside of initializers", () => {
  const constant = (output: string) =>
    create(NodeProtoSchema, {
      opType: "Constant",
      output: [output],
      attribute: [
        create(AttributeProtoSchema, {
          name: "value",
          type: AttributeProto_AttributeType.TENSOR,
          t: makeTensor("", "float32", [300], large),
        }),
      ],
    });
  const branch = (name: string, ...nodes: ReturnType<typeof constant>[]) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, {
        name,
        node: nodes,
        output: nodes
          .slice(-1)
          .map((node) => create(ValueInfoProtoSchema, { name: node.output[0] as string })),
      }),
    });
  const expected = large.map((v) => Math.fround(2 * Math.fround(v)));

  it.each(["reference", "embed"] as const)("are in a Constant node (%s)", async (weights) => {
    const proto = fromBinary(
      ModelProtoSchema,
      tinyModel({ inputs: { x: { dims: [300] } }, nodes: [["Mul", ["x", "w"], "y"]] }),
    );
    proto.graph?.node.unshift(constant("w"));
    const model = await readModel(toBinary(ModelProtoSchema, proto));
    expect((await run(writeModel(model, weights), { x: x(300, 2) }))["y"]).toEqual(expected);
  });

  it.each(["reference", "embed"] as const)("are in a branch of an If (%s)", async (weights) => {
    const proto = fromBinary(
      ModelProtoSchema,
      tinyModel({
        inputs: { x: { dims: [300] }, which: { dtype: "bool", dims: [] } },
        nodes: [
          ["If", ["which"], "w"],
          ["Mul", ["x", "w"], "y"],
        ],
      }),
    );
    const node = proto.graph?.node[0] as ReturnType<typeof constant>;
    const twice = create(NodeProtoSchema, { opType: "Add", input: ["b", "b"], output: ["c"] });
    node.attribute = [
      branch("then_branch", constant("a")),
      branch("else_branch", constant("b"), twice),
    ];
    const model = await readModel(toBinary(ModelProtoSchema, proto));
    const feeds = { x: x(300, 2), which: new ort.Tensor("bool", [true], []) };
    expect((await run(writeModel(model, weights), feeds))["y"]).toEqual(expected);
  });
});

it("refuses to embed more than protobuf holds", async () => {
  const proto = fromBinary(
    ModelProtoSchema,
    tinyModel({
      inputs: { x: { dims: [1] } },
      constants: { w: { dims: [1], data: [1] } },
      nodes: [["Mul", ["x", "w"], "y"]],
    }),
  );
  const [tensor] = proto.graph?.initializer as [TensorProto];
  const entry = (key: string, value: string) =>
    create(StringStringEntryProtoSchema, { key, value });
  tensor.dataLocation = 1;
  tensor.rawData = new Uint8Array(0);
  tensor.externalData = [entry("location", "w")];
  const data = { subarray: () => ({ length: 2 ** 31 }), length: 2 ** 31 } as unknown as Uint8Array;
  const model = new Model(proto, [{ location: "w", data }]);
  expect(() => writeModel(model, "embed")).toThrow(
    expect.objectContaining({ code: "ERR_MODEL_TOO_LARGE" }),
  );
});
