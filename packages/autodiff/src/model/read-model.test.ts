import { readFileSync } from "node:fs";
import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  type ModelProto,
  type TensorProto,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { unet, unetDynamo } from "../../../../test/support/golden-scene.ts";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { AutodiffError } from "../errors.ts";
import { externalReference } from "./model.ts";
import { readModel, type ReadModelOptions } from "./read-model.ts";
import { makeTensor } from "./tensor.ts";

const small = tinyModel({
  inputs: { x: { dims: [2, 3] } },
  constants: { w: { dims: [3], data: [1, 2, 3] } },
  nodes: [["Mul", ["x", "w"], "y"]],
});

/** The small model with its tensor changed. */
function withTensor(change: (tensor: TensorProto, model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, small);
  change(model.graph?.initializer[0] as TensorProto, model);
  return toBinary(ModelProtoSchema, model);
}

const entries = (fields: Readonly<Record<string, string>>) =>
  Object.entries(fields).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );

/** The small model with its tensor in external data. */
function external(fields: Readonly<Record<string, string>>, dims = [3n]): Uint8Array {
  return withTensor((tensor) => {
    Object.assign(tensor, { dims, rawData: new Uint8Array(0), dataLocation: 1 });
    tensor.externalData = entries(fields);
  });
}

async function failure(bytes: Uint8Array, options?: ReadModelOptions): Promise<AutodiffError> {
  try {
    await readModel(bytes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(AutodiffError);
    return error as AutodiffError;
  }
  throw new Error("Expected an error.");
}

describe("bytes that are no model", () => {
  it.each([
    ["nothing", new Uint8Array(0), "it is empty"],
    ["text", new TextEncoder().encode("<!DOCTYPE html><html></html>"), "it is not a protobuf"],
    // Field 1 (ir_version) = 8 and nothing else.
    ["a message of another kind", Uint8Array.of(8, 8), "it has no graph or no opset"],
    ["zeros", new Uint8Array(100), "it is not a protobuf"],
  ])("refuses %s", async (_, bytes, reason) => {
    const { code, message } = await failure(bytes, { location: "m.onnx" });
    expect(code).toBe("ERR_MODEL_UNREADABLE");
    expect(message).toContain("'m.onnx'");
    expect(message).toContain(reason);
  });

  it("refuses a graph that computes nothing", async () => {
    const empty = withTensor((_, { graph }) => graph?.node.splice(0));
    expect((await failure(empty)).message).toContain("its graph has no nodes");
    const mute = withTensor((_, { graph }) => graph?.output.splice(0));
    expect((await failure(mute)).message).toContain("its graph has no nodes or no outputs");
  });

  it("refuses random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        expect((await failure(bytes)).code).toBe("ERR_MODEL_UNREADABLE");
      }),
    );
  });

  it("refuses a model that is cut off, wherever", async () => {
    const bytes = readFileSync(unet);
    for (let part = 0; part < 50; part++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 50));
      expect((await failure(cut)).code, `${cut.length} bytes`).toBe("ERR_MODEL_UNREADABLE");
    }
    for (let length = 0; length < small.length; length++) {
      const { code } = await failure(small.subarray(0, length));
      expect(code, `${length} bytes`).toBe("ERR_MODEL_UNREADABLE");
    }
  });

  it("reads or refuses damaged models, and nothing else happens", async () => {
    const models = [readFileSync(unetDynamo), small];
    const data = readFileSync(`${unetDynamo}.data`);
    const flips = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...models), flips, async (model, changes) => {
        const bytes = Uint8Array.from(model);
        for (const [place, value] of changes) {
          bytes[Math.floor(place * bytes.length)] = value;
        }
        try {
          await readModel(bytes, { loadExternalData: () => Promise.resolve(data) });
        } catch (error) {
          expect(error).toBeInstanceOf(AutodiffError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("tensors", () => {
  it("refuses raw data of the wrong size", async () => {
    const short = withTensor((tensor) => (tensor.rawData = tensor.rawData.slice(0, 8)));
    expect((await failure(short)).message).toContain(
      "its tensor 'w' of dims [3] holds 8 bytes instead of 12",
    );
  });

  it.each([[[2n ** 40n]], [[2n ** 62n, 2n ** 62n]], [[-3n]], [[-1n, -3n]]])(
    "refuses dims [%s] without allocating for them",
    async (dims) => {
      const { code, message } = await failure(withTensor((tensor) => (tensor.dims = dims)));
      expect(code).toBe("ERR_MODEL_UNREADABLE");
      expect(message).toContain(`[${dims.join(", ")}]`);
    },
  );

  it("allocates nothing for huge dims without data", async () => {
    const bytes = withTensor((tensor) => {
      tensor.dims = [2n ** 40n];
      tensor.rawData = new Uint8Array(0);
    });
    const model = await readModel(bytes);
    expect(model.numbers(model.graph.initializer[0] as TensorProto)).toEqual([]);
  });

  it("keeps large weights as references to the bytes given", async () => {
    const data = Array.from({ length: 400 }, (_, i) => i / 7);
    const bytes = tinyModel({
      inputs: { x: { dims: [400] } },
      constants: { w: { dims: [400], data } },
      nodes: [["Mul", ["x", "w"], "y"]],
    });
    // At an odd place in a larger buffer, as bytes from elsewhere may be.
    const buffer = new Uint8Array(bytes.length + 3);
    buffer.set(bytes, 3);
    const model = await readModel(buffer.subarray(3), { location: "here.onnx" });
    const [tensor] = model.graph.initializer as [TensorProto];
    expect(tensor.rawData.length).toBe(0);
    expect(externalReference(tensor)).toMatchObject({ location: "here.onnx", length: 1600 });
    expect(model.bytes(tensor).buffer).toBe(buffer.buffer);
    expect(model.numbers(tensor)).toEqual(data.map(Math.fround));
  });

  it("reads typed fields", async () => {
    const floats = withTensor((tensor) => {
      tensor.rawData = new Uint8Array(0);
      tensor.floatData = [4, 5, 6];
    });
    const model = await readModel(floats);
    expect(model.numbers(model.graph.initializer[0] as TensorProto)).toEqual([4, 5, 6]);
  });
});

describe("external data", () => {
  const data = new Uint8Array(Float32Array.of(9, 1, 2, 3, 8).buffer);
  const loadExternalData = () => Promise.resolve(data);

  it("takes its part of the file", async () => {
    const asked: string[] = [];
    const model = await readModel(
      external({ location: "sub/weights.bin", offset: "4", length: "12" }),
      {
        loadExternalData: (location) => {
          asked.push(location);
          return Promise.resolve(data);
        },
      },
    );
    const [tensor] = model.graph.initializer as [TensorProto];
    expect(asked).toEqual(["sub/weights.bin"]);
    expect(model.numbers(tensor)).toEqual([1, 2, 3]);
    expect(model.bytes(tensor).buffer).toBe(data.buffer);
  });

  it("takes parts of a file on demand, small ones at once and large ones when they are asked for", async () => {
    const file = new Uint8Array(Float32Array.from({ length: 1000 }, (_, i) => i).buffer);
    const reads: (readonly [number, number])[] = [];
    const onDemand = {
      size: file.length,
      read(offset: number, length: number) {
        reads.push([offset, length]);
        return file.slice(offset, offset + length);
      },
    };
    const bytes = withTensor((tensor, { graph }) => {
      Object.assign(tensor, { rawData: new Uint8Array(0), dataLocation: 1 });
      const large = clone(TensorProtoSchema, tensor);
      tensor.externalData = entries({ location: "w", offset: "4", length: "12" });
      large.externalData = entries({ location: "w", offset: "800", length: "1600" });
      large.dims = [400n];
      graph?.initializer.push(Object.assign(large, { name: "large" }));
    });
    const model = await readModel(bytes, { loadExternalData: () => Promise.resolve(onDemand) });
    expect(reads).toEqual([[4, 12]]);
    const [tensor, large] = model.graph.initializer as [TensorProto, TensorProto];
    expect(model.numbers(tensor)).toEqual([1, 2, 3]);
    expect(model.numbers(large)?.slice(0, 2)).toEqual([200, 201]);
    expect(reads).toEqual([
      [4, 12],
      [800, 1600],
    ]);
    expect(model.files[1]?.data).toEqual(file);
    await expect(
      readModel(external({ location: "w", offset: "3996", length: "12" }), {
        loadExternalData: () => Promise.resolve(onDemand),
      }),
    ).rejects.toThrow("too short");
  });

  it("loads a file once for all its tensors", async () => {
    let loads = 0;
    const bytes = withTensor((tensor, { graph }) => {
      tensor.rawData = new Uint8Array(0);
      tensor.dataLocation = 1;
      const second = clone(TensorProtoSchema, tensor);
      second.name = "v";
      tensor.externalData = entries({ location: "w", length: "12" });
      second.externalData = entries({ location: "w", offset: "8" });
      graph?.initializer.push(second);
    });
    const model = await readModel(bytes, {
      loadExternalData: () => {
        loads += 1;
        return Promise.resolve(data);
      },
    });
    expect(loads).toBe(1);
    expect(model.graph.initializer.map((tensor) => model.numbers(tensor)?.slice(0, 3))).toEqual([
      [9, 1, 2],
      [2, 3, 8],
    ]);
  });

  it.each([
    "",
    "..",
    "../weights",
    "a/../../weights",
    "a/..",
    "a\\..\\..\\weights",
    "/etc/passwd",
    "\\\\server\\share",
    "\\weights",
    "C:\\weights",
    "c:weights",
    "weights\0.bin",
  ])("refuses the location %j", async (location) => {
    const load = () => Promise.reject(new Error("was asked for it"));
    const { code, message } = await failure(external({ location }), { loadExternalData: load });
    expect(code).toBe("ERR_EXTERNAL_DATA");
    expect(message).toContain("which lies outside the model's folder");
  });

  it.each([
    ["offset", "1e99"],
    ["offset", "-5"],
    ["offset", "abc"],
    ["offset", ""],
    ["offset", "0x4"],
    ["offset", "99999999999999999999"],
    ["offset", "16"],
    ["offset", "20"],
    ["offset", "1000"],
    ["length", "1e99"],
    ["length", "-5"],
    ["length", "abc"],
    ["length", ""],
    ["length", "8"],
    ["length", "16"],
    ["length", "24"],
    ["length", "12.5"],
  ])("refuses %s %j", async (key, value) => {
    const bytes = external({ location: "w", [key]: value });
    const { code, message } = await failure(bytes, { loadExternalData });
    expect(code).toBe("ERR_EXTERNAL_DATA");
    expect(message).toContain("'w'");
    expect(message).not.toContain("undefined bytes");
  });

  it("refuses a claim of 2⁴⁰ elements", async () => {
    const bytes = external({ location: "w" }, [2n ** 40n]);
    expect((await failure(bytes, { loadExternalData })).message).toContain("which is too short");
  });

  it("says what to do when the file is missing or was not given", async () => {
    const bytes = external({ location: "w" });
    expect((await failure(bytes)).message).toContain(
      "which was not given: pass `loadExternalData`",
    );
    const load = () => Promise.reject(new Error("no such file"));
    const { message, cause } = await failure(bytes, { loadExternalData: load });
    expect(message).toContain("which cannot be read (no such file): copy it beside the model");
    expect(cause).toBeInstanceOf(Error);
  });

  it("is confined in attributes, subgraphs, functions and sparse tensors too", async () => {
    const outside = () => {
      const tensor = makeTensor("t", "float32", [3], [1, 2, 3]);
      tensor.rawData = new Uint8Array(0);
      tensor.dataLocation = 1;
      tensor.externalData = entries({ location: "../../secret" });
      return tensor;
    };
    const node = (attribute: object) =>
      create(NodeProtoSchema, {
        opType: "Constant",
        output: ["c"],
        attribute: [create(AttributeProtoSchema, { name: "value", ...attribute })],
      });
    const sparse = () => create(SparseTensorProtoSchema, { values: outside() });
    const inner = (attribute: object) => create(GraphProtoSchema, { node: [node(attribute)] });
    const places: ((model: ModelProto) => unknown)[] = [
      ({ graph }) => graph?.node.push(node({ t: outside() })),
      ({ graph }) => graph?.node.push(node({ tensors: [outside()] })),
      ({ graph }) => graph?.node.push(node({ sparseTensor: sparse() })),
      ({ graph }) => graph?.node.push(node({ g: inner({ t: outside() }) })),
      ({ graph }) => graph?.node.push(node({ graphs: [inner({ t: outside() })] })),
      ({ graph }) => graph?.sparseInitializer.push(sparse()),
      ({ functions }) =>
        functions.push(create(FunctionProtoSchema, { node: [node({ t: outside() })] })),
    ];
    for (const place of places) {
      const bytes = withTensor((_, model) => void place(model));
      expect((await failure(bytes, { loadExternalData })).code).toBe("ERR_EXTERNAL_DATA");
    }
  });
});
