import type { DescField, DescMessage } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import { expect, expectTypeOf, it } from "vitest";
import type * as types from "./onnx-messages.ts";
import * as own from "./onnx-schema.ts";

/** Everything that reading and writing depend on. */
function outlineOf(message: DescMessage): unknown {
  const typeOf = (field: DescField) =>
    field.message?.typeName ?? field.enum?.typeName ?? field.scalar;
  return {
    type: message.typeName,
    fields: message.fields.map((field) => ({
      name: field.localName,
      number: field.number,
      kind: [field.fieldKind, field.fieldKind === "list" && field.listKind],
      type: typeOf(field),
      packed: field.fieldKind === "list" && field.packed,
      presence: field.presence,
      oneof: field.oneof?.localName,
      default: field.fieldKind === "list" || field.fieldKind === "map" || field.getDefaultValue(),
    })),
    enums: message.nestedEnums.map(({ typeName, values, open }) => ({
      typeName,
      open,
      values: values.map(({ localName, number }) => [localName, number]),
    })),
    nested: message.nestedMessages.map(outlineOf),
  };
}

it("is what onnx-buf embeds", () => {
  const outlines = (schema: DescMessage) => schema.file.messages.map(outlineOf);
  expect(outlines(own.ModelProtoSchema)).toEqual(outlines(onnx.ModelProtoSchema));
  // Enums of TypeScript have their names by number too.
  expect(onnx.TensorProto_DataType).toMatchObject(own.TensorProto_DataType);
  expect(onnx.AttributeProto_AttributeType).toMatchObject(own.AttributeProto_AttributeType);
});

it("has the types of onnx-buf", () => {
  // Each contains all others, through graphs, training and devices.
  expectTypeOf<types.ModelProto>().toExtend<onnx.ModelProto>();
  expectTypeOf<onnx.ModelProto>().toExtend<types.ModelProto>();
});

it("leaves no field of them out", () => {
  expectTypeOf<keyof types.NodeProto>().toEqualTypeOf<keyof onnx.NodeProto>();
  expectTypeOf<keyof types.AttributeProto>().toEqualTypeOf<keyof onnx.AttributeProto>();
  expectTypeOf<keyof types.TensorProto>().toEqualTypeOf<keyof onnx.TensorProto>();
  expectTypeOf<keyof types.GraphProto>().toEqualTypeOf<keyof onnx.GraphProto>();
  expectTypeOf<keyof types.FunctionProto>().toEqualTypeOf<keyof onnx.FunctionProto>();
  expectTypeOf<keyof types.ModelProto>().toEqualTypeOf<keyof onnx.ModelProto>();
});
