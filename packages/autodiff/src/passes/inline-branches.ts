import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import { copyNodes } from "../graph/copy-nodes.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import type { Model } from "../model/model.ts";
import { constantsToInitializers } from "./constants-to-initializers.ts";

/**
 * Replaces each `If` of the main graph whose condition is an initializer by the branch it takes, and
 * those that come to the main graph with it. Nodes and values of a branch take the node's name as a
 * prefix.
 *
 * @returns whether there was one
 */
export function inlineBranches(model: Model): boolean {
  let isChanged = false;
  while (inlineOnce(model)) {
    isChanged = true;
  }
  return isChanged;
}

function inlineOnce(model: Model): boolean {
  const { graph } = model;
  const conditional = graph.node.filter(({ opType, domain }) => opType === "If" && domain === "");
  if (conditional.length === 0) {
    return false;
  }
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const taken = new Map<NodeProto, GraphProto>();
  for (const node of conditional) {
    const condition = initializers.get(node.input[0] ?? "");
    const [value] = (condition && model.numbers(condition)) ?? [];
    const name = value === 0 ? "else_branch" : "then_branch";
    const branch = node.attribute.find((attribute) => attribute.name === name)?.g;
    if (value !== undefined && branch !== undefined && branch.sparseInitializer.length === 0) {
      taken.set(node, branch);
    }
  }
  if (taken.size === 0) {
    return false;
  }
  const names = new NameAuthority(namesOf(graph));
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    const branch = taken.get(node);
    for (const inner of branch === undefined ? [node] : bodyOf(graph, node, branch, names)) {
      nodes.push(inner);
    }
  }
  graph.node = nodes;
  constantsToInitializers(model);
  return true;
}

function bodyOf(
  graph: GraphProto,
  node: NodeProto,
  branch: GraphProto,
  names: NameAuthority,
): NodeProto[] {
  const prefix = node.name;
  const scope = new Map<string, string>();
  for (const tensor of branch.initializer) {
    const name = names.unique(`${prefix}/${tensor.name}`);
    scope.set(tensor.name, name);
    graph.initializer.push(Object.assign(copyMessage(tensor), { name }));
  }
  const made = new Set(branch.node.flatMap(({ output }) => output));
  const copies: [from: string, to: string][] = [];
  node.output.forEach((wanted, i) => {
    const name = branch.output[i]?.name ?? "";
    if (wanted === "") {
      return;
    }
    if (made.has(name) && !scope.has(name)) {
      scope.set(name, wanted);
    } else {
      copies.push([name, wanted]);
    }
  });
  const nodes = copyNodes(branch.node, scope, { names, prefix });
  const identities = copies.map(([from, to]) =>
    create(NodeProtoSchema, {
      name: names.unique(`${prefix}/Identity`),
      opType: "Identity",
      input: [scope.get(from) ?? from],
      output: [to],
    }),
  );
  return [...nodes, ...identities];
}
