import type { NodeProto } from "../model/onnx-messages.ts";
import { gradientAttributes, isGradientNode } from "./gradient-node.ts";
import { ownValuesOf, subgraphsOf } from "./subgraphs.ts";

/**
 * Every value that a node reads: its inputs, what its subgraphs capture from around them, and what a
 * `Gradient` node names in its attributes.
 */
export function inputsOf(node: NodeProto): readonly string[] {
  const names = node.input.filter((name) => name !== "");
  if (isGradientNode(node)) {
    const { xs, zs, y } = gradientAttributes(node);
    names.push(...xs, ...zs, y);
  }
  for (const subgraph of subgraphsOf(node)) {
    const own = ownValuesOf(subgraph);
    const read = [
      ...subgraph.node.flatMap((inner) => inputsOf(inner)),
      ...subgraph.output.map(({ name }) => name),
    ];
    for (const name of read) {
      if (!own.has(name)) {
        names.push(name);
      }
    }
  }
  return names;
}
