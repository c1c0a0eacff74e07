import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { isGradientNode, renameGradientAttributes } from "./gradient-node.ts";
import type { NameAuthority } from "./name-authority.ts";
import { ownValuesOf, subgraphsOf } from "./subgraphs.ts";

/**
 * Makes nodes read other values: wherever one of the old names is read, as an input, in a subgraph
 * however deep, or in the attributes of a `Gradient` node, the new name takes its place. What the nodes
 * make keeps its name.
 *
 * Where a subgraph has a value of its own by an old name, that one is meant in it, and stays. Where it
 * has one by a new name, that one takes a name nobody uses, so that it does not hide the value meant.
 *
 * @param renamed new names by old names
 * @param names knows all names of the graph that the nodes belong to
 */
export function renameReads(
  nodes: readonly NodeProto[],
  renamed: ReadonlyMap<string, string>,
  names: NameAuthority,
): void {
  for (const node of nodes) {
    if (node.input.some((name) => renamed.has(name))) {
      node.input = node.input.map((name) => renamed.get(name) ?? name);
    }
    if (isGradientNode(node)) {
      renameGradientAttributes(node, renamed);
    }
    for (const subgraph of subgraphsOf(node)) {
      renameInSubgraph(subgraph, renamed, names);
    }
  }
}

function renameInSubgraph(
  graph: GraphProto,
  around: ReadonlyMap<string, string>,
  names: NameAuthority,
): void {
  const own = ownValuesOf(graph);
  const captured = [...around].filter(([from]) => !own.has(from));
  const giveWay = new Map(
    captured.filter(([, to]) => own.has(to)).map(([, to]) => [to, names.unique(to)]),
  );
  const renamed = new Map([...captured, ...giveWay]);
  if (renamed.size === 0) {
    return;
  }
  const sparse = graph.sparseInitializer.flatMap(({ values }) => values ?? []);
  for (const value of [...graph.input, ...graph.initializer, ...sparse]) {
    value.name = giveWay.get(value.name) ?? value.name;
  }
  for (const node of graph.node) {
    node.output = node.output.map((name) => giveWay.get(name) ?? name);
  }
  renameReads(graph.node, renamed, names);
  for (const value of [...graph.output, ...graph.valueInfo]) {
    value.name = renamed.get(value.name) ?? value.name;
  }
}
