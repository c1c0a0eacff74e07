import { create } from "@bufbuild/protobuf";
import type { NodeProto, TensorProto } from "../model/onnx-messages.ts";
import { TensorProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import { dataTypeToProto } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";

/**
 * Turns `Constant` nodes of the main graph into initializers of the same name, so that weights have
 * one place. Sparse and string constants stay nodes.
 *
 * @returns whether there was one
 */
export function constantsToInitializers({ graph }: Model): boolean {
  const kept: NodeProto[] = [];
  for (const node of graph.node) {
    const tensor = node.opType === "Constant" && node.domain === "" ? tensorOf(node) : undefined;
    const [name] = node.output;
    if (tensor === undefined || name === undefined) {
      kept.push(node);
    } else {
      graph.initializer.push(Object.assign(tensor, { name }));
    }
  }
  const isChanged = kept.length < graph.node.length;
  graph.node = kept;
  return isChanged;
}

function tensorOf(node: NodeProto): TensorProto | undefined {
  const attribute = node.attribute.find(({ name }) => name.startsWith("value"));
  switch (attribute?.name) {
    case "value":
      return attribute.t && copyMessage(attribute.t);
    case "value_float":
      return makeTensor("", "float32", [], [attribute.f]);
    case "value_floats":
      return makeTensor("", "float32", [attribute.floats.length], attribute.floats);
    case "value_int":
      return makeInts([], [attribute.i]);
    case "value_ints":
      return makeInts([attribute.ints.length], attribute.ints);
    default:
      return undefined;
  }
}

/** All 64 bits of each: "to the end" is written as INT64_MAX. */
function makeInts(dims: readonly number[], int64Data: readonly bigint[]): TensorProto {
  const dataType = dataTypeToProto("int64");
  return create(TensorProtoSchema, { dataType, dims: dims.map(BigInt), int64Data: [...int64Data] });
}
