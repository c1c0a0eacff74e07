import type { GraphProto } from "onnx-buf";

/** Every name of a graph: values, initializers, nodes, those of subgraphs included. */
export function namesOf(graph: GraphProto): string[] {
  const names: string[] = [];
  for (const value of [...graph.input, ...graph.output, ...graph.initializer, ...graph.valueInfo]) {
    names.push(value.name);
  }
  for (const node of graph.node) {
    names.push(node.name, ...node.output, ...node.input);
    for (const attribute of node.attribute) {
      for (const subgraph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
        for (const name of namesOf(subgraph)) {
          names.push(name);
        }
      }
    }
  }
  return names;
}
