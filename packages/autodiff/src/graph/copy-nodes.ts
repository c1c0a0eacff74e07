import type { AttributeProto, GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { copyMessage } from "../model/copy-message.ts";
import { isGradientNode, renameGradientAttributes } from "./gradient-node.ts";
import type { NameAuthority } from "./name-authority.ts";

/** How {@link copyNodes} names things. */
export interface CopyOptions {
  readonly names: NameAuthority;
  /** Put before the names of copied nodes and values. */
  readonly prefix: string;
  /** Attributes that copied nodes refer to by `ref_attr_name`; those not in here are dropped. */
  readonly attributes?: ReadonlyMap<string, AttributeProto>;
}

/**
 * Copies nodes to another place. Values in `scope` take the name they have there; what the nodes
 * compute takes a new name, which is entered into `scope`; all other values are those around.
 */
export function copyNodes(
  nodes: readonly NodeProto[],
  scope: Map<string, string>,
  options: CopyOptions,
): NodeProto[] {
  const { names, prefix } = options;
  for (const name of nodes.flatMap(({ output }) => output)) {
    if (name !== "" && !scope.has(name)) {
      scope.set(name, names.unique(`${prefix}/${name}`));
    }
  }
  return nodes.map((node, i) => {
    const copy = copyMessage(node);
    copy.name = names.unique(`${prefix}/${node.name || `${node.opType}_${i}`}`);
    copy.domain = node.domain === "ai.onnx" ? "" : node.domain;
    copy.input = node.input.map((name) => scope.get(name) ?? name);
    copy.output = node.output.map((name) => scope.get(name) ?? name);
    copy.attribute = node.attribute.flatMap((attribute) =>
      copyAttribute(attribute, scope, options),
    );
    if (isGradientNode(copy)) {
      renameGradientAttributes(copy, scope);
    }
    return copy;
  });
}

function copyAttribute(
  attribute: AttributeProto,
  scope: ReadonlyMap<string, string>,
  options: CopyOptions,
): AttributeProto[] {
  if (attribute.refAttrName !== "") {
    const given = options.attributes?.get(attribute.refAttrName);
    return given === undefined ? [] : [Object.assign(copyMessage(given), { name: attribute.name })];
  }
  if (attribute.g === undefined && attribute.graphs.length === 0) {
    return [copyMessage(attribute)];
  }
  const copy = copyMessage(attribute);
  copy.g = attribute.g && copyGraph(attribute.g, scope, options);
  copy.graphs = attribute.graphs.map((graph) => copyGraph(graph, scope, options));
  return [copy];
}

/** A subgraph with all that it defines renamed: names are unique across nested graphs. */
function copyGraph(
  graph: GraphProto,
  outer: ReadonlyMap<string, string>,
  options: CopyOptions,
): GraphProto {
  const scope = new Map(outer);
  const copy = copyMessage(graph);
  const rename = (value: { name: string }) => {
    const name = options.names.unique(`${options.prefix}/${value.name}`);
    scope.set(value.name, name);
    value.name = name;
  };
  const made = new Set(graph.node.flatMap(({ output }) => output));
  for (const name of made) {
    scope.delete(name);
  }
  copy.input.forEach(rename);
  for (const tensor of copy.initializer) {
    // Below IR version 4 an initializer is an input as well.
    const known = graph.input.some(({ name }) => name === tensor.name);
    if (known) {
      tensor.name = scope.get(tensor.name) as string;
    } else {
      rename(tensor);
    }
  }
  for (const { values } of copy.sparseInitializer) {
    if (values !== undefined) {
      rename(values);
    }
  }
  copy.valueInfo = [];
  copy.node = copyNodes(graph.node, scope, options);
  for (const output of copy.output) {
    output.name = scope.get(output.name) ?? output.name;
  }
  return copy;
}
