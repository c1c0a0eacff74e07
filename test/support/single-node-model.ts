import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
} from "onnx-buf";
import { decodeBytes, type CaseTensor, type OperatorCase } from "./operator-case.ts";

const dataTypes = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

/** Serializes a case as a model of one node; variables and computed inputs are graph inputs, the rest initializers. */
export function singleNodeModel(testCase: OperatorCase): Uint8Array {
  const tensors = testCase.inputs.filter((input) => input !== null);
  const isInput = ({ gradient, computed }: CaseTensor) =>
    gradient !== undefined || computed === true;
  const info = (name: string, type: number, dims: readonly number[]) =>
    create(ValueInfoProtoSchema, {
      name,
      type: create(TypeProtoSchema, {
        value: {
          case: "tensorType",
          value: create(TypeProto_TensorSchema, {
            elemType: type,
            shape: create(TensorShapeProtoSchema, {
              dim: dims.map((d) =>
                create(TensorShapeProto_DimensionSchema, {
                  value: { case: "dimValue", value: BigInt(d) },
                }),
              ),
            }),
          }),
        },
      }),
    });
  const unique = <T extends { name: string }>(list: readonly T[]): T[] => [
    ...new Map(list.map((item) => [item.name, item])).values(),
  ];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(testCase.opset) }),
        ...(testCase.domain === undefined
          ? []
          : [create(OperatorSetIdProtoSchema, { domain: testCase.domain, version: 1n })]),
      ],
      graph: create(GraphProtoSchema, {
        name: "case",
        input: unique(tensors.filter(isInput)).map((t) => info(t.name, dataTypes[t.dtype], t.dims)),
        initializer: unique(tensors.filter((t) => !isInput(t))).map((t) =>
          create(TensorProtoSchema, {
            name: t.name,
            dataType: dataTypes[t.dtype],
            dims: t.dims.map(BigInt),
            rawData: decodeBytes(t.data),
          }),
        ),
        node: [
          create(NodeProtoSchema, {
            name: "node",
            opType: testCase.opType,
            domain: testCase.domain ?? "",
            input: testCase.inputs.map((input) => input?.name ?? ""),
            output: testCase.outputs.map((_, i) => `y${i}`),
            attribute: Object.entries(testCase.attributes).map(makeAttribute),
          }),
        ],
        output: testCase.outputs.map((output, i) =>
          info(`y${i}`, dataTypes[output.dtype ?? "float32"], output.dims),
        ),
      }),
    }),
  );
}

function makeAttribute([name, value]: [
  string,
  OperatorCase["attributes"][string],
]): AttributeProto {
  const Type = AttributeProto_AttributeType;
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    return create(AttributeProtoSchema, {
      name,
      type: Type.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float });
  }
  const strings = value.filter((item) => typeof item === "string");
  if (strings.length > 0) {
    const bytes = strings.map((item) => new TextEncoder().encode(item));
    return create(AttributeProtoSchema, { name, type: Type.STRINGS, strings: bytes });
  }
  const floats = value.flatMap((item) => (typeof item === "object" ? [item.float] : []));
  if (floats.length > 0) {
    return create(AttributeProtoSchema, { name, type: Type.FLOATS, floats });
  }
  const ints = (value as readonly number[]).map(BigInt);
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints });
}
