import type { Bytes, GraphProto, ModelProto, TensorProto } from "./onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import { dataTypeFromProto, type DataType } from "./data-type.ts";
import { readTensor } from "./tensor.ts";

/** Bytes below which a tensor stays inside its message: a reference would cost more. */
export const inlineLimit = 1024;

/** One file that weights live in: the model file itself or an external data file. */
export interface WeightFile {
  /** The `location` by which tensors refer to it. */
  readonly location: string;
  /** All of its bytes. Files on demand are read here for the first time, and once. */
  readonly data: Uint8Array;
  /** Where parts can be had without the rest. */
  readonly onDemand?: FileOnDemand;
}

/** A file that is not in memory, which external data need not be: they may be larger than it. */
export interface FileOnDemand {
  /** In bytes. */
  readonly size: number;
  /** Reads `length` bytes, which lie within the file, from `offset` on. */
  read(offset: number, length: number): Uint8Array;
}

/** A weight file of bytes, or of a file that is read when its bytes are asked for. */
export function weightFile(location: string, content: Uint8Array | FileOnDemand): WeightFile {
  if (content instanceof Uint8Array) {
    return { location, data: content };
  }
  let data: Uint8Array | undefined;
  return {
    location,
    onDemand: content,
    get data() {
      return (data ??= content.read(0, content.size));
    },
  };
}

/** A graph input as its model declares it. */
export interface DeclaredInput {
  readonly name: string;
  readonly dtype: DataType | undefined;
  /** `undefined` entries are dynamic; `undefined` altogether when the rank is not declared. */
  readonly dims: readonly (number | undefined)[] | undefined;
}

/**
 * A model in memory: the ONNX messages, and the files its weights stay in.
 *
 * Weights are never copied: a large initializer is a reference (file, offset, length) into one of
 * {@link files}, whether it came from the model file or from external data.
 */
export class Model {
  readonly proto: ModelProto;
  readonly files: readonly WeightFile[];

  constructor(proto: ModelProto, files: readonly WeightFile[]) {
    this.proto = proto;
    this.files = files;
  }

  get graph(): GraphProto {
    return this.proto.graph as GraphProto;
  }

  /** Version of the default operator set. */
  get opset(): number {
    const entry = this.proto.opsetImport.find((o) => o.domain === "" || o.domain === "ai.onnx");
    return Number(entry?.version ?? 1);
  }

  /** Entries of `metadata_props`. */
  get metadata(): ReadonlyMap<string, string> {
    return new Map(this.proto.metadataProps.map((entry) => [entry.key, entry.value]));
  }

  /** Graph inputs that are not initializers, as declared; `undefined` for dynamic dims. */
  declaredInputs(): DeclaredInput[] {
    const initializers = new Set(this.graph.initializer.map((tensor) => tensor.name));
    return this.graph.input
      .filter((input) => !initializers.has(input.name))
      .map(({ name, type }) => {
        const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
        return {
          name,
          dtype: tensor && dataTypeFromProto(tensor.elemType),
          dims: tensor?.shape?.dim.map(({ value }) =>
            value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
          ),
        };
      });
  }

  /** The little-endian bytes of a tensor, wherever they are. */
  bytes(tensor: TensorProto): Bytes {
    const reference = externalReference(tensor);
    if (reference === undefined) {
      return tensor.rawData;
    }
    const file = this.files.find((f) => f.location === reference.location);
    if (file === undefined) {
      throw new AutodiffError(
        "ERR_EXTERNAL_DATA",
        `Tensor '${tensor.name}' keeps its values in '${reference.location}', which was not given.`,
      );
    }
    const { offset, length = sizeOf(file) - offset } = reference;
    const part = file.onDemand?.read(offset, length) ?? file.data.subarray(offset, offset + length);
    return part as Bytes;
  }

  /** The elements of a tensor as numbers, `undefined` for element types that are not numbers. */
  numbers(tensor: TensorProto): number[] | undefined {
    return readTensor(tensor, this.bytes(tensor));
  }
}

/** In bytes, without reading it. */
export function sizeOf(file: WeightFile): number {
  return file.onDemand?.size ?? file.data.length;
}

/** Where a tensor's bytes are outside of its message. */
export interface ExternalReference {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

/** The external reference of a tensor, `undefined` if it carries its own values. */
export function externalReference(tensor: TensorProto): ExternalReference | undefined {
  if (tensor.dataLocation !== 1) {
    return undefined;
  }
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
  const length = entries.get("length");
  return {
    location: entries.get("location") ?? "",
    offset: parseCount(entries.get("offset") ?? "0"),
    length: length === undefined ? undefined : parseCount(length),
  };
}

/** A number of bytes as ONNX writes it, NaN for anything else. */
function parseCount(text: string): number {
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}
