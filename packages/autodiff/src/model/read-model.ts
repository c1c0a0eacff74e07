import { create, fromBinary } from "@bufbuild/protobuf";
import type { GraphProto, ModelProto, TensorProto } from "./onnx-messages.ts";
import { ModelProtoSchema, StringStringEntryProtoSchema } from "./onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import { bytesPerElement, dataTypeFromProto, elementCount } from "./data-type.ts";
import {
  externalReference,
  inlineLimit,
  Model,
  sizeOf,
  weightFile,
  type ExternalReference,
  type FileOnDemand,
  type WeightFile,
} from "./model.ts";
import { tensorsOf } from "./tensors-of.ts";

/** Options of {@link readModel}. */
export interface ReadModelOptions {
  /**
   * Name under which tensors refer to the model file itself in derived models.
   * @default "model.onnx"
   */
  readonly location?: string;
  /**
   * Loads an external data file by its `location`, which has been checked to be relative and to stay
   * inside the model's folder: its bytes, or the means to read parts of it. Without it, models with
   * external data are refused.
   */
  readonly loadExternalData?: (location: string) => Promise<Uint8Array | FileOnDemand>;
}

/**
 * Reads an ONNX model without copying its weights.
 *
 * @param bytes a serialized ModelProto
 * @throws AutodiffError `ERR_MODEL_UNREADABLE` when the bytes are not an ONNX model or are cut off,
 *   `ERR_EXTERNAL_DATA` when external data are missing, too short or outside the model's folder
 */
export async function readModel(bytes: Uint8Array, options: ReadModelOptions = {}): Promise<Model> {
  const location = options.location ?? "model.onnx";
  const proto = decode(bytes, location);
  const files: WeightFile[] = [{ location, data: bytes }];
  const referable = referableTensors(proto.graph as GraphProto);
  for (const tensor of tensorsOf(proto)) {
    if (tensor.dataLocation === 1) {
      await loadReferenced(tensor, files, options.loadExternalData);
      inlineSmall(tensor, files);
    } else {
      checkSize(tensor, location);
      if (tensor.rawData.length >= inlineLimit && referable.has(tensor)) {
        refer(tensor, location, tensor.rawData.byteOffset - bytes.byteOffset);
      }
    }
  }
  return new Model(proto, files);
}

function decode(bytes: Uint8Array, location: string): ModelProto {
  if (bytes.length === 0) {
    throw unreadable(location, "it is empty");
  }
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw unreadable(location, "it is not a protobuf message, or it is cut off", cause);
  }
  if (proto.graph === undefined || proto.opsetImport.length === 0) {
    throw unreadable(
      location,
      "it has no graph or no opset: it is not an ONNX model, or it is cut off",
    );
  }
  if (proto.graph.node.length === 0 || proto.graph.output.length === 0) {
    throw unreadable(location, "its graph has no nodes or no outputs: it computes nothing");
  }
  return proto;
}

function unreadable(location: string, reason: string, cause?: unknown): AutodiffError {
  return new AutodiffError(
    "ERR_MODEL_UNREADABLE",
    `Expected an ONNX model in '${location}' but ${reason}. Export or download it again.`,
    { cause },
  );
}

/** Tensors that a runtime accepts as references: initializers and constants, not those of branches. */
function referableTensors(graph: GraphProto): ReadonlySet<TensorProto> {
  const constants = graph.node
    .filter((node) => node.opType === "Constant")
    .flatMap((node) => node.attribute.flatMap(({ t }) => t ?? []));
  return new Set([...graph.initializer, ...constants]);
}

async function loadReferenced(
  tensor: TensorProto,
  files: WeightFile[],
  load: ReadModelOptions["loadExternalData"],
): Promise<void> {
  const { location, offset, length } = externalReference(tensor) ?? { location: "", offset: 0 };
  const fail = (found: string, cause?: unknown): AutodiffError =>
    new AutodiffError(
      "ERR_EXTERNAL_DATA",
      `Tensor '${tensor.name}' keeps its values in the external data file '${location}', ${found}.`,
      { cause, details: { tensor: tensor.name, location } },
    );
  if (!isConfined(location)) {
    throw fail(
      "which lies outside the model's folder: put it beside the model and refer to it by name",
    );
  }
  let file = files.find((f) => f.location === location);
  if (file === undefined) {
    if (load === undefined) {
      throw fail("which was not given: pass `loadExternalData`");
    }
    try {
      file = weightFile(location, await load(location));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw fail(
        `which cannot be read (${reason}): copy it beside the model, or give both together`,
        cause,
      );
    }
    files.push(file);
  }
  const expected = tensorBytes(tensor);
  const size = sizeOf(file);
  const available = length ?? size - offset;
  if (!isCount(offset) || !isCount(length ?? 0)) {
    throw fail(`at offset ${offset} and of length ${length}, which are no numbers of bytes`);
  }
  if (offset + available > size || available < (expected ?? 0)) {
    throw fail(
      `which is too short: expected ${expected ?? available} bytes at offset ${offset} but the file has ${size}; copy it again`,
    );
  }
  if (length !== undefined && expected !== undefined && length !== expected) {
    throw fail(
      `of which it takes ${length} bytes where its dims [${tensor.dims.join(", ")}] need ${expected}`,
    );
  }
}

/** Takes a small tensor out of its file, so that none is read for the sake of a few numbers. */
function inlineSmall(tensor: TensorProto, files: readonly WeightFile[]): void {
  const { location, offset, length } = externalReference(tensor) as ExternalReference;
  const file = files.find((f) => f.location === location);
  const count = length ?? tensorBytes(tensor) ?? inlineLimit;
  if (file?.onDemand !== undefined && count < inlineLimit) {
    tensor.rawData = file.onDemand.read(offset, count) as TensorProto["rawData"];
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
}

function isCount(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0;
}

/** Whether a location is a relative path that cannot leave the model's folder. */
function isConfined(location: string): boolean {
  if (location === "" || location.includes("\0") || /^([a-zA-Z]:|[\\/])/.test(location)) {
    return false;
  }
  return !location.split(/[\\/]/).includes("..");
}

function tensorBytes(tensor: TensorProto): number | undefined {
  const dtype = dataTypeFromProto(tensor.dataType);
  const size = dtype === undefined ? 0 : bytesPerElement(dtype);
  return size === 0 ? undefined : size * elementCount(tensor.dims.map(Number));
}

function checkSize(tensor: TensorProto, location: string): void {
  if (tensor.dims.some((d) => d < 0n)) {
    throw unreadable(
      location,
      `its tensor '${tensor.name}' has negative dims [${tensor.dims.join(", ")}]`,
    );
  }
  const expected = tensorBytes(tensor);
  const found = tensor.rawData.length;
  if (expected !== undefined && found > 0 && found !== expected) {
    throw unreadable(
      location,
      `its tensor '${tensor.name}' of dims [${tensor.dims.join(", ")}] holds ${found} bytes instead of ${expected}`,
    );
  }
}

/** Turns a tensor with values of its own into a reference to the file they were read from. */
function refer(tensor: TensorProto, location: string, offset: number): void {
  const entry = (key: string, value: string) =>
    create(StringStringEntryProtoSchema, { key, value });
  tensor.externalData = [
    entry("location", location),
    entry("offset", String(offset)),
    entry("length", String(tensor.rawData.length)),
  ];
  tensor.dataLocation = 1;
  tensor.rawData = new Uint8Array(0);
}
