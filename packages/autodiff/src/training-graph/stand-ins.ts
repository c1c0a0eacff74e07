import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema, ValueInfoProtoSchema } from "../model/onnx-schema.ts";
import { makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import type { ForwardNodes } from "./operators/forward-nodes.ts";
import type { Like, TrainingOperator } from "./operators/training-operator.ts";

/** A node that no stock runtime has, and how it is lowered. */
export interface TrainingNode {
  readonly node: NodeProto;
  readonly operator: TrainingOperator;
}

/**
 * Puts standard operators in the place of training operators whose results have the right dtype and
 * dims, but other numbers, so that a runtime can tell all types. They depend on the upstream gradient,
 * so that they are not folded; what else the node reads is kept alive by graph outputs.
 */
export function insertStandIns(
  graph: GraphProto,
  nodes: readonly TrainingNode[],
  forward: ForwardNodes,
): void {
  const names = new NameAuthority(namesOf(graph));
  const replaced = new Map(
    nodes.map((training) => [training.node, standIn(training, forward, names)]),
  );
  graph.node = graph.node.flatMap((node) => replaced.get(node) ?? [node]);
  const read = new Set(nodes.flatMap(({ node }) => node.input).filter((name) => name !== ""));
  for (const name of read) {
    const kept = names.unique(`${name}_kept`);
    const attributes = { dtype: 1 };
    graph.node.push(make(names, "RandomUniformLike", [name], kept, attributes));
    graph.output.push(create(ValueInfoProtoSchema, { name: kept }));
  }
}

function standIn(
  { node, operator }: TrainingNode,
  forward: ForwardNodes,
  names: NameAuthority,
): NodeProto[] {
  const likes = operator.like(node, forward);
  const upstream = node.input[operator.upstream] as string;
  const sum = names.unique(`${node.name}/sum`);
  const outputs = node.output.flatMap((name, j) => {
    const like = likes[j];
    return name === "" || like === undefined ? [] : expanded(name, like, sum, names);
  });
  return [make(names, "ReduceSum", [upstream], sum, { keepdims: 0 }), ...outputs];
}

function expanded(name: string, like: Like, sum: string, names: NameAuthority): NodeProto[] {
  if ("shape" in like) {
    return [make(names, "Expand", [sum, like.shape], name)];
  }
  const shape = names.unique(`${name}_dims`);
  return [make(names, "Shape", [like.value], shape), make(names, "Expand", [sum, shape], name)];
}

function make(
  names: NameAuthority,
  opType: string,
  input: string[],
  output: string,
  attributes: Record<string, number> = {},
): NodeProto {
  return create(NodeProtoSchema, {
    name: names.unique(`${output}/${opType}`),
    opType,
    input,
    output: [output],
    attribute: makeAttributes(attributes),
  });
}
