import { create } from "@bufbuild/protobuf";
import type { NodeProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { intAttribute, makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import type { Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";

/**
 * Turns every Compress with a constant condition into a Gather at the places where it holds: runtimes do
 * not infer the dims of the former, and so would not know those of anything after it.
 *
 * @returns whether there was one
 */
export function compressToGather(model: Model): boolean {
  const { graph } = model;
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const conditionOf = ({ opType, domain, input }: NodeProto) =>
    opType === "Compress" && domain === "" ? initializers.get(input[1] ?? "") : undefined;
  if (!graph.node.some((node) => conditionOf(node) !== undefined)) {
    return false;
  }
  const names = new NameAuthority(namesOf(graph));
  const constant = (wanted: string, numbers: readonly number[]): string => {
    const name = names.unique(wanted);
    graph.initializer.push(makeTensor(name, "int64", [numbers.length], numbers));
    return name;
  };
  graph.node = graph.node.flatMap((node) => {
    const condition = conditionOf(node);
    if (condition === undefined) {
      return [node];
    }
    const places = (model.numbers(condition) ?? []).flatMap((holds, i) => (holds === 0 ? [] : [i]));
    const axis = intAttribute(node, "axis", undefined);
    let [x] = node.input as [string];
    const before: NodeProto[] = [];
    if (axis === undefined) {
      const flat = names.unique(`${node.name}_flat`);
      const input = [x, constant(`${node.name}_shape`, [-1])];
      const name = names.unique(`${node.name}_Reshape`);
      before.push(create(NodeProtoSchema, { name, opType: "Reshape", input, output: [flat] }));
      x = flat;
    }
    const gather = create(NodeProtoSchema, {
      name: node.name,
      opType: "Gather",
      input: [x, constant(`${node.name}_places`, places)],
      output: node.output,
      attribute: makeAttributes({ axis: axis ?? 0 }),
    });
    return [...before, gather];
  });
  return true;
}
