import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";

/** The graphs that a node holds in its attributes: the branches of an If, the body of a Loop or Scan. */
export function subgraphsOf({ attribute }: NodeProto): readonly GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

/**
 * Names that mean a graph's own values in it: its inputs, its initializers and the results of its nodes.
 * In a subgraph they hide values of the same name around it.
 */
export function ownValuesOf(graph: GraphProto): ReadonlySet<string> {
  return new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...graph.node.flatMap(({ output }) => output),
  ]);
}
