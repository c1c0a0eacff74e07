import { createFileRegistry, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import type * as onnx from "./onnx-messages.ts";

// onnx-buf embeds the same as a serialized descriptor, for which protobuf-es brings the descriptor of
// descriptors along: 7 kB more in every page, compressed. A test compares the two.

/** Messages of onnx.proto: name, number and type of each field; `value/` before a member of a oneof. */
const messages = {
  AttributeProto: `
    name 1 string, ref_attr_name 21 string, doc_string 13 string,
    type 20 AttributeProto.AttributeType, f 2 float, i 3 int64, s 4 bytes, t 5 TensorProto,
    g 6 GraphProto, sparse_tensor 22 SparseTensorProto, tp 14 TypeProto, floats 7 float[],
    ints 8 int64[], strings 9 bytes[], tensors 10 TensorProto[], graphs 11 GraphProto[],
    sparse_tensors 23 SparseTensorProto[], type_protos 15 TypeProto[]`,
  ValueInfoProto: `
    name 1 string, type 2 TypeProto, doc_string 3 string, metadata_props 4 StringStringEntryProto[]`,
  NodeProto: `
    input 1 string[], output 2 string[], name 3 string, op_type 4 string, domain 7 string,
    overload 8 string, attribute 5 AttributeProto[], doc_string 6 string,
    metadata_props 9 StringStringEntryProto[],
    device_configurations 10 NodeDeviceConfigurationProto[]`,
  IntIntListEntryProto: `
    key 1 int64, value 2 int64[]`,
  NodeDeviceConfigurationProto: `
    configuration_id 1 string, sharding_spec 2 ShardingSpecProto[], pipeline_stage 3 int32`,
  ShardingSpecProto: `
    tensor_name 1 string, device 2 int64[], index_to_device_group_map 3 IntIntListEntryProto[],
    sharded_dim 4 ShardedDimProto[]`,
  ShardedDimProto: `
    axis 1 int64, simple_sharding 2 SimpleShardedDimProto[]`,
  SimpleShardedDimProto: `
    dim/dim_value 1 int64, dim/dim_param 2 string, num_shards 3 int64`,
  TrainingInfoProto: `
    initialization 1 GraphProto, algorithm 2 GraphProto,
    initialization_binding 3 StringStringEntryProto[], update_binding 4 StringStringEntryProto[]`,
  ModelProto: `
    ir_version 1 int64, opset_import 8 OperatorSetIdProto[], producer_name 2 string,
    producer_version 3 string, domain 4 string, model_version 5 int64, doc_string 6 string,
    graph 7 GraphProto, metadata_props 14 StringStringEntryProto[],
    training_info 20 TrainingInfoProto[], functions 25 FunctionProto[],
    configuration 26 DeviceConfigurationProto[]`,
  DeviceConfigurationProto: `
    name 1 string, num_devices 2 int32, device 3 string[]`,
  StringStringEntryProto: `
    key 1 string, value 2 string`,
  TensorAnnotation: `
    tensor_name 1 string, quant_parameter_tensor_names 2 StringStringEntryProto[]`,
  GraphProto: `
    node 1 NodeProto[], name 2 string, initializer 5 TensorProto[],
    sparse_initializer 15 SparseTensorProto[], doc_string 10 string, input 11 ValueInfoProto[],
    output 12 ValueInfoProto[], value_info 13 ValueInfoProto[],
    quantization_annotation 14 TensorAnnotation[], metadata_props 16 StringStringEntryProto[]`,
  TensorProto: `
    dims 1 int64[], data_type 2 int32, segment 3 TensorProto.Segment, float_data 4 float[] packed,
    int32_data 5 int32[] packed, string_data 6 bytes[], int64_data 7 int64[] packed, name 8 string,
    doc_string 12 string, raw_data 9 bytes, external_data 13 StringStringEntryProto[],
    data_location 14 TensorProto.DataLocation, double_data 10 double[] packed,
    uint64_data 11 uint64[] packed, metadata_props 16 StringStringEntryProto[]`,
  "TensorProto.Segment": `
    begin 1 int64, end 2 int64`,
  SparseTensorProto: `
    values 1 TensorProto, indices 2 TensorProto, dims 3 int64[]`,
  TensorShapeProto: `
    dim 1 TensorShapeProto.Dimension[]`,
  "TensorShapeProto.Dimension": `
    value/dim_value 1 int64, value/dim_param 2 string, denotation 3 string`,
  TypeProto: `
    value/tensor_type 1 TypeProto.Tensor, value/sequence_type 4 TypeProto.Sequence,
    value/map_type 5 TypeProto.Map, value/optional_type 9 TypeProto.Optional,
    value/sparse_tensor_type 8 TypeProto.SparseTensor, denotation 6 string`,
  "TypeProto.Tensor": `
    elem_type 1 int32, shape 2 TensorShapeProto`,
  "TypeProto.Sequence": `
    elem_type 1 TypeProto`,
  "TypeProto.Map": `
    key_type 1 int32, value_type 2 TypeProto`,
  "TypeProto.Optional": `
    elem_type 1 TypeProto`,
  "TypeProto.SparseTensor": `
    elem_type 1 int32, shape 2 TensorShapeProto`,
  OperatorSetIdProto: `
    domain 1 string, version 2 int64`,
  FunctionProto: `
    name 1 string, input 4 string[], output 5 string[], attribute 6 string[],
    attribute_proto 11 AttributeProto[], node 7 NodeProto[], doc_string 8 string,
    opset_import 9 OperatorSetIdProto[], domain 10 string, overload 13 string,
    value_info 12 ValueInfoProto[], metadata_props 14 StringStringEntryProto[]`,
};

export const AttributeProto_AttributeType = {
  UNDEFINED: 0,
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  SPARSE_TENSOR: 11,
  TYPE_PROTO: 13,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSORS: 12,
  TYPE_PROTOS: 14,
} as const;
export const TensorProto_DataType = {
  UNDEFINED: 0,
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
} as const;

/** Enums of onnx.proto that models are read by. */
const enums: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "AttributeProto.AttributeType": AttributeProto_AttributeType,
  "TensorProto.DataType": TensorProto_DataType,
  "TensorProto.DataLocation": { DEFAULT: 0, EXTERNAL: 1 },
};

/** Numbers of the types in descriptor.proto. */
const types: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  string: 9,
  bytes: 12,
};

const registry = createFileRegistry(fileOf(), () => undefined);

export const AttributeProtoSchema = messageOf<onnx.AttributeProto>("AttributeProto");
export const FunctionProtoSchema = messageOf<onnx.FunctionProto>("FunctionProto");
export const GraphProtoSchema = messageOf<onnx.GraphProto>("GraphProto");
export const ModelProtoSchema = messageOf<onnx.ModelProto>("ModelProto");
export const NodeProtoSchema = messageOf<onnx.NodeProto>("NodeProto");
export const OperatorSetIdProtoSchema = messageOf<onnx.OperatorSetIdProto>("OperatorSetIdProto");
export const SparseTensorProtoSchema = messageOf<onnx.SparseTensorProto>("SparseTensorProto");
export const StringStringEntryProtoSchema =
  messageOf<onnx.StringStringEntryProto>("StringStringEntryProto");
export const TensorProtoSchema = messageOf<onnx.TensorProto>("TensorProto");
export const TensorShapeProtoSchema = messageOf<onnx.TensorShapeProto>("TensorShapeProto");
export const TensorShapeProto_DimensionSchema = messageOf<onnx.TensorShapeProto_Dimension>(
  "TensorShapeProto.Dimension",
);
export const TypeProtoSchema = messageOf<onnx.TypeProto>("TypeProto");
export const TypeProto_TensorSchema = messageOf<onnx.TypeProto_Tensor>("TypeProto.Tensor");
export const ValueInfoProtoSchema = messageOf<onnx.ValueInfoProto>("ValueInfoProto");

function messageOf<Shape extends Message>(name: string): GenMessage<Shape> {
  return registry.getMessage(`onnx.${name}`) as GenMessage<Shape>;
}

/** The FileDescriptorProto, as far as protobuf-es reads it. */
function fileOf() {
  return {
    $typeName: "google.protobuf.FileDescriptorProto",
    name: "onnx.proto",
    package: "onnx",
    syntax: "proto2",
    dependency: [],
    service: [],
    extension: [],
    enumType: [],
    messageType: partsOf(messages).map(([name]) => descriptorOf(name)),
  } as unknown as FileDescriptorProto;
}

function descriptorOf(path: string): unknown {
  const oneofs: string[] = [];
  const field = linesOf(messages[path as keyof typeof messages]).map(
    ([name = "", number, type = "", packed]) => {
      const [oneof, member] = name.includes("/") ? name.split("/") : [undefined, name];
      if (oneof !== undefined && !oneofs.includes(oneof)) {
        oneofs.push(oneof);
      }
      const bare = type.replace("[]", "");
      return {
        name: member,
        jsonName: member,
        number: Number(number),
        label: type === bare ? 1 : 3,
        type: types[bare] ?? (bare in enums ? 14 : 11),
        typeName: bare in types ? "" : `onnx.${bare}`,
        ...(oneof !== undefined && { oneofIndex: oneofs.indexOf(oneof) }),
        ...(packed !== undefined && { options: { packed: true } }),
      };
    },
  );
  return {
    name: path.split(".").at(-1),
    field,
    oneofDecl: oneofs.map((name) => ({ name })),
    extension: [],
    nestedType: partsOf(messages, path).map(([name]) => descriptorOf(name)),
    enumType: partsOf(enums, path).map(([name, numbers]) => ({
      name: name.split(".").at(-1),
      value: Object.entries(numbers).map(([value, number]) => ({ name: value, number })),
    })),
  };
}

/** What lies directly in a message, or in the file. */
function partsOf<Part>(table: Readonly<Record<string, Part>>, path?: string): [string, Part][] {
  const prefix = path === undefined ? "" : `${path}.`;
  return Object.entries(table).filter(
    ([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes("."),
  );
}

function linesOf(text: string): string[][] {
  return text.split(",").map((line) => line.trim().split(" "));
}
