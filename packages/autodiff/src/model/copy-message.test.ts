import { clone, create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readFileSync } from "node:fs";
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  type GraphProto,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { copyMessage } from "./copy-message.ts";

const file = new URL("../../../../test/opsets/unet-18.onnx", import.meta.url);

describe("copyMessage", () => {
  it("copies as protobuf-es does", () => {
    const model = fromBinary(ModelProtoSchema, new Uint8Array(readFileSync(file)));
    const copy = copyMessage(model);
    expect(equals(ModelProtoSchema, copy, model)).toBe(true);
    expect(copy).toEqual(clone(ModelProtoSchema, model));
    expect(toBinary(ModelProtoSchema, copy)).toEqual(toBinary(ModelProtoSchema, model));
  });

  it("shares nothing that can be changed", () => {
    const model = fromBinary(ModelProtoSchema, new Uint8Array(readFileSync(file)));
    const bytes = toBinary(ModelProtoSchema, model);
    const { node, initializer, input } = copyMessage(model).graph as GraphProto;
    node.forEach((one) => one.input.push("more"));
    node[0]?.attribute[0]?.ints.push(7n);
    initializer.forEach((tensor) => tensor.rawData.fill(1));
    const type = input[0]?.type?.value;
    if (type?.case === "tensorType") {
      type.value.elemType = 7;
    }
    expect(toBinary(ModelProtoSchema, model)).toEqual(bytes);
  });

  it("keeps which fields are set, the defaults of the others, and fields that are not known", () => {
    const tensor = create(TensorProtoSchema, { name: "", int64Data: [2n ** 62n] });
    tensor.$unknown = [{ no: 77, wireType: 2, data: Uint8Array.of(1, 5) }];
    const attribute = create(AttributeProtoSchema, { name: "a", t: tensor });
    const copy = copyMessage(attribute);
    expect([...toBinary(AttributeProtoSchema, copy)]).toEqual([
      ...toBinary(AttributeProtoSchema, attribute),
    ]);
    expect([copy.i, copy.f, copy.t?.name, copy.t?.int64Data]).toEqual([0n, 0, "", [2n ** 62n]]);
  });
});
