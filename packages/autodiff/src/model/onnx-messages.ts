/**
 * The messages of onnx.proto (ONNX 1.20) as protobuf-es has them in memory: `$typeName` tells a message's type, fields in
 * camel case, absent ones at their default. Written here, so that programs that use this package need the types of no
 * other; a test compares them with onnx-buf.
 *
 * @module
 */

/** What every message has. */
interface Message<Name extends string> {
  readonly $typeName: Name;
  /** Fields of a newer ONNX, as they came. */
  $unknown?: { readonly no: number; readonly wireType: number; readonly data: Uint8Array }[];
}

/** Bytes in a buffer that nobody shares; before TypeScript 5.7, `Uint8Array` told no buffers apart. */
export type Bytes = ReturnType<Uint8Array["slice"]>;

type OneOf<Members> =
  | { [Name in keyof Members]: { case: Name; value: Members[Name] } }[keyof Members]
  | { case: undefined; value?: undefined };

/** A model file. */
export interface ModelProto extends Message<"onnx.ModelProto"> {
  irVersion: bigint;
  opsetImport: OperatorSetIdProto[];
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: bigint;
  docString: string;
  graph?: GraphProto;
  metadataProps: StringStringEntryProto[];
  trainingInfo: TrainingInfoProto[];
  functions: FunctionProto[];
  configuration: DeviceConfigurationProto[];
}

/** A graph: nodes in an order in which they can run. */
export interface GraphProto extends Message<"onnx.GraphProto"> {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  sparseInitializer: SparseTensorProto[];
  docString: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
  quantizationAnnotation: TensorAnnotation[];
  metadataProps: StringStringEntryProto[];
}

/** A node: one call of an operator. */
export interface NodeProto extends Message<"onnx.NodeProto"> {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  domain: string;
  overload: string;
  attribute: AttributeProto[];
  docString: string;
  metadataProps: StringStringEntryProto[];
  deviceConfigurations: NodeDeviceConfigurationProto[];
}

/** An attribute of a node; `type` says which of its fields counts. */
export interface AttributeProto extends Message<"onnx.AttributeProto"> {
  name: string;
  refAttrName: string;
  docString: string;
  type: number;
  f: number;
  i: bigint;
  s: Bytes;
  t?: TensorProto;
  g?: GraphProto;
  sparseTensor?: SparseTensorProto;
  tp?: TypeProto;
  floats: number[];
  ints: bigint[];
  strings: Bytes[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  sparseTensors: SparseTensorProto[];
  typeProtos: TypeProto[];
}

/** A value of a graph, with its type. */
export interface ValueInfoProto extends Message<"onnx.ValueInfoProto"> {
  name: string;
  type?: TypeProto;
  docString: string;
  metadataProps: StringStringEntryProto[];
}

/** The type of a value. */
export interface TypeProto extends Message<"onnx.TypeProto"> {
  value: OneOf<{
    tensorType: TypeProto_Tensor;
    sequenceType: TypeProto_Sequence;
    mapType: TypeProto_Map;
    optionalType: TypeProto_Optional;
    sparseTensorType: TypeProto_SparseTensor;
  }>;
  denotation: string;
}

/** A tensor: an initializer, or the value of an attribute. */
export interface TensorProto extends Message<"onnx.TensorProto"> {
  dims: bigint[];
  dataType: number;
  segment?: TensorProto_Segment;
  floatData: number[];
  int32Data: number[];
  stringData: Bytes[];
  int64Data: bigint[];
  name: string;
  docString: string;
  rawData: Bytes;
  externalData: StringStringEntryProto[];
  dataLocation: number;
  doubleData: number[];
  uint64Data: bigint[];
  metadataProps: StringStringEntryProto[];
}

/** An operator that the model defines as nodes. */
export interface FunctionProto extends Message<"onnx.FunctionProto"> {
  name: string;
  input: string[];
  output: string[];
  attribute: string[];
  attributeProto: AttributeProto[];
  node: NodeProto[];
  docString: string;
  opsetImport: OperatorSetIdProto[];
  domain: string;
  overload: string;
  valueInfo: ValueInfoProto[];
  metadataProps: StringStringEntryProto[];
}

export interface IntIntListEntryProto extends Message<"onnx.IntIntListEntryProto"> {
  key: bigint;
  value: bigint[];
}

export interface NodeDeviceConfigurationProto extends Message<"onnx.NodeDeviceConfigurationProto"> {
  configurationId: string;
  shardingSpec: ShardingSpecProto[];
  pipelineStage: number;
}

export interface ShardingSpecProto extends Message<"onnx.ShardingSpecProto"> {
  tensorName: string;
  device: bigint[];
  indexToDeviceGroupMap: IntIntListEntryProto[];
  shardedDim: ShardedDimProto[];
}

export interface ShardedDimProto extends Message<"onnx.ShardedDimProto"> {
  axis: bigint;
  simpleSharding: SimpleShardedDimProto[];
}

export interface SimpleShardedDimProto extends Message<"onnx.SimpleShardedDimProto"> {
  dim: OneOf<{ dimValue: bigint; dimParam: string }>;
  numShards: bigint;
}

export interface TrainingInfoProto extends Message<"onnx.TrainingInfoProto"> {
  initialization?: GraphProto;
  algorithm?: GraphProto;
  initializationBinding: StringStringEntryProto[];
  updateBinding: StringStringEntryProto[];
}

export interface DeviceConfigurationProto extends Message<"onnx.DeviceConfigurationProto"> {
  name: string;
  numDevices: number;
  device: string[];
}

export interface StringStringEntryProto extends Message<"onnx.StringStringEntryProto"> {
  key: string;
  value: string;
}

export interface TensorAnnotation extends Message<"onnx.TensorAnnotation"> {
  tensorName: string;
  quantParameterTensorNames: StringStringEntryProto[];
}

export interface TensorProto_Segment extends Message<"onnx.TensorProto.Segment"> {
  begin: bigint;
  end: bigint;
}

export interface SparseTensorProto extends Message<"onnx.SparseTensorProto"> {
  values?: TensorProto;
  indices?: TensorProto;
  dims: bigint[];
}

export interface TensorShapeProto extends Message<"onnx.TensorShapeProto"> {
  dim: TensorShapeProto_Dimension[];
}

export interface TensorShapeProto_Dimension extends Message<"onnx.TensorShapeProto.Dimension"> {
  value: OneOf<{ dimValue: bigint; dimParam: string }>;
  denotation: string;
}

export interface TypeProto_Tensor extends Message<"onnx.TypeProto.Tensor"> {
  elemType: number;
  shape?: TensorShapeProto;
}

export interface TypeProto_Sequence extends Message<"onnx.TypeProto.Sequence"> {
  elemType?: TypeProto;
}

export interface TypeProto_Map extends Message<"onnx.TypeProto.Map"> {
  keyType: number;
  valueType?: TypeProto;
}

export interface TypeProto_Optional extends Message<"onnx.TypeProto.Optional"> {
  elemType?: TypeProto;
}

export interface TypeProto_SparseTensor extends Message<"onnx.TypeProto.SparseTensor"> {
  elemType: number;
  shape?: TensorShapeProto;
}

export interface OperatorSetIdProto extends Message<"onnx.OperatorSetIdProto"> {
  domain: string;
  version: bigint;
}
