import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema, type GraphProto, type NodeProto } from "onnx-buf";
import { intAttribute, makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";

/**
 * Replaces ConcatTraining (also gives the sizes it joined), SplitTraining and ReduceSumTraining (sizes
 * and axes as inputs) by Concat, Split and ReduceSum of opset 13, whose meaning is the same.
 */
export function rewriteTrainingLayout(graph: GraphProto, opset: number): void {
  if (opset < 13) {
    return;
  }
  const names = new NameAuthority(namesOf(graph));
  graph.node = graph.node.flatMap((node) => {
    if (node.domain !== "com.microsoft") {
      return [node];
    }
    switch (node.opType) {
      case "SplitTraining":
        return [Object.assign(node, { opType: "Split", domain: "" })];
      case "ReduceSumTraining":
        return [Object.assign(node, { opType: "ReduceSum", domain: "" })];
      case "ConcatTraining":
        return concat(node, names);
      default:
        return [node];
    }
  });
}

function concat(node: NodeProto, names: NameAuthority): NodeProto[] {
  const [joined = "", lengths = ""] = node.output;
  const make = (
    opType: string,
    input: string[],
    output: string,
    attributes: Record<string, number>,
  ) =>
    create(NodeProtoSchema, {
      name: names.unique(`${node.name}/${opType}`),
      opType,
      input,
      output: [output],
      attribute: makeAttributes(attributes),
    });
  const result = [make("Concat", node.input, joined, { axis: intAttribute(node, "axis", 0) })];
  if (lengths === "") {
    return result;
  }
  const axis = names.unique(`${node.name}/axis`);
  const list = make("Constant", [], axis, {});
  list.attribute = makeAttributes({ value_ints: [intAttribute(node, "axis", 0)] });
  const sizes = node.input.map((input) => {
    const shape = names.unique(`${input}_shape`);
    const size = names.unique(`${input}_size`);
    result.push(
      make("Shape", [input], shape, {}),
      make("Gather", [shape, axis], size, { axis: 0 }),
    );
    return size;
  });
  return [...result, list, make("Concat", sizes, lengths, { axis: 0 })];
}
