import type { DescField, DescMessage } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import { expect, it } from "vitest";
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
  expect(own.TensorProto_DataType).toEqual(onnx.TensorProto_DataType);
  expect(own.AttributeProto_AttributeType).toEqual(onnx.AttributeProto_AttributeType);
});
