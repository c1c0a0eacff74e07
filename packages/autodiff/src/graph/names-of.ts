import type { GraphProto } from "../model/onnx-messages.ts";
import { subgraphsOf } from "./subgraphs.ts";

/** Every name of a graph: values, initializers, nodes, those of subgraphs included. */
export function namesOf(graph: GraphProto): string[] {
  const names: string[] = [];
  for (const value of [...graph.input, ...graph.output, ...graph.initializer, ...graph.valueInfo]) {
    names.push(value.name);
  }
  for (const { values } of graph.sparseInitializer) {
    names.push(values?.name ?? "");
  }
  for (const node of graph.node) {
    names.push(node.name, ...node.output, ...node.input);
    for (const subgraph of subgraphsOf(node)) {
      for (const name of namesOf(subgraph)) {
        names.push(name);
      }
    }
  }
  return names;
}
