import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Bytes, GraphProto, ModelProto, TensorProto } from "./onnx-messages.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "./onnx-schema.ts";
import { copyMessage } from "./copy-message.ts";
import { AutodiffError } from "../errors.ts";
import { externalReference, Model, type WeightFile } from "./model.ts";
import { tensorsOf } from "./tensors-of.ts";

/** A serialized model and the files it refers to. */
export interface WrittenModel {
  readonly bytes: Uint8Array;
  /** What to pass as the session option `externalData`; empty when all weights are embedded. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/**
 * Writes a model.
 *
 * @param weights `reference` keeps every large initializer where it is (the result is a few
 *   kilobytes and needs `externalData`); `embed` makes one self-contained file (below 2 GiB)
 * @throws AutodiffError `ERR_MODEL_TOO_LARGE` when an embedded model would pass protobuf's limit
 */
export function writeModel(model: Model, weights: "reference" | "embed"): WrittenModel {
  if (weights === "reference") {
    const locations = new Set(
      referencedTensors(model.proto).map((tensor) => externalReference(tensor)?.location),
    );
    return {
      bytes: toBinary(ModelProtoSchema, model.proto),
      externalData: model.files
        .filter((file: WeightFile) => locations.has(file.location))
        .map(toExternalData),
    };
  }
  let total = 0;
  for (const tensor of referencedTensors(model.proto)) {
    total += model.bytes(tensor).length;
  }
  if (total > 2 ** 31 - 2 ** 20) {
    throw new AutodiffError(
      "ERR_MODEL_TOO_LARGE",
      `Expected at most 2 GiB of weights in one file but found ${total} bytes: write the model with references to its weights instead.`,
    );
  }
  return { bytes: embed(model), externalData: [] };
}

/**
 * One message with all weights inside, assembled here: the encoder copies bytes once for each message
 * around them, and a model is mostly bytes.
 */
function embed(model: Model): Uint8Array {
  const proto = copyMessage(model.proto);
  const graph = proto.graph as GraphProto;
  const weights = graph.initializer
    .filter((tensor) => tensor.dataLocation === 1)
    .map((tensor) => ({ tensor, raw: model.bytes(tensor) }));
  const own = new Set(weights.map(({ tensor }) => tensor));
  graph.initializer = graph.initializer.filter((tensor) => !own.has(tensor));
  for (const tensor of referencedTensors(proto)) {
    carry(tensor, model.bytes(tensor));
  }
  proto.graph = undefined;
  const graphParts: Uint8Array[] = [toBinary(GraphProtoSchema, graph)];
  for (const { tensor, raw } of weights) {
    carry(tensor, new Uint8Array(0));
    const parts: Uint8Array[] = [
      toBinary(TensorProtoSchema, tensor),
      tag(fields.rawData, raw.length),
      raw,
    ];
    graphParts.push(tag(fields.initializer, lengthOf(parts)), ...parts);
  }
  const parts: Uint8Array[] = [
    toBinary(ModelProtoSchema, proto),
    tag(fields.graph, lengthOf(graphParts)),
    ...graphParts,
  ];
  const bytes = new Uint8Array(lengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Gives a tensor bytes of its own in place of a reference. */
function carry(tensor: TensorProto, raw: Bytes): void {
  tensor.rawData = raw;
  tensor.externalData = [];
  tensor.dataLocation = 0;
}

/** Numbers of the length-delimited fields that weights are nested in. */
const fields = {
  graph: ModelProtoSchema.field.graph.number,
  initializer: GraphProtoSchema.field.initializer.number,
  rawData: TensorProtoSchema.field.rawData.number,
};

/** What precedes a length-delimited field: its number with wire type 2, and its length. */
function tag(field: number, length: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((total, part) => total + part.length, 0);
}

/**
 * What a session needs to give one value: the model's own bytes when the value is a declared output,
 * otherwise the same graph with one output more.
 */
export function writeForOutput(model: Model, name: string): WrittenModel {
  if (model.graph.output.some((output) => output.name === name)) {
    const [file, ...external] = model.files as readonly [WeightFile, ...WeightFile[]];
    return { bytes: file.data, externalData: external.map(toExternalData) };
  }
  const output = [...model.graph.output, create(ValueInfoProtoSchema, { name })];
  const proto = create(ModelProtoSchema, { ...model.proto, graph: { ...model.graph, output } });
  return writeModel(new Model(proto, model.files), "reference");
}

/** A file as sessions take it, read when the session is made. */
function toExternalData(file: WeightFile): WrittenModel["externalData"][number] {
  return {
    path: file.location,
    get data() {
      return file.data;
    },
  };
}

/** The tensors of a model whose bytes are in one of its files. */
function referencedTensors(model: ModelProto): TensorProto[] {
  return [...tensorsOf(model)].filter((tensor) => tensor.dataLocation === 1);
}
