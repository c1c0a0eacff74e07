import { create } from "@bufbuild/protobuf";
import type { ValueInfoProto } from "../model/onnx-messages.ts";
import {
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
} from "../model/onnx-schema.ts";
import { dataTypeToProto } from "../model/data-type.ts";
import type { Value } from "./value.ts";

/** The ONNX message that declares a graph input or output. */
export function valueInfo({ name, dtype, dims }: Value): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: dataTypeToProto(dtype),
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
}
