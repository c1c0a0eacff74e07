import { clone, create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  ValueInfoProtoSchema,
  type ModelProto,
  type TensorProto,
} from "onnx-buf";
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
        .map((file) => ({ path: file.location, data: file.data })),
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
  const proto = clone(ModelProtoSchema, model.proto);
  for (const tensor of referencedTensors(proto)) {
    tensor.rawData = model.bytes(tensor);
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
  return { bytes: toBinary(ModelProtoSchema, proto), externalData: [] };
}

/**
 * What a session needs to give one value: the model's own bytes when the value is a declared output,
 * otherwise the same graph with one output more.
 */
export function writeForOutput(model: Model, name: string): WrittenModel {
  if (model.graph.output.some((output) => output.name === name)) {
    const [file, ...external] = model.files as readonly [WeightFile, ...WeightFile[]];
    const externalData = external.map(({ location, data }) => ({ path: location, data }));
    return { bytes: file.data, externalData };
  }
  const output = [...model.graph.output, create(ValueInfoProtoSchema, { name })];
  const proto = create(ModelProtoSchema, { ...model.proto, graph: { ...model.graph, output } });
  return writeModel(new Model(proto, model.files), "reference");
}

/** The tensors of a model whose bytes are in one of its files. */
function referencedTensors(model: ModelProto): TensorProto[] {
  return [...tensorsOf(model)].filter((tensor) => tensor.dataLocation === 1);
}
