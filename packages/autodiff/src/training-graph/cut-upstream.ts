import type { GraphProto } from "../model/onnx-messages.ts";
import { valueInfo } from "../graph/value-info.ts";
import type { Value } from "../graph/value.ts";

/**
 * Makes a value a graph input, whatever gave it before: an initializer (the seed of a scalar loss), the
 * gradient operator of a loss, or an input already. What only the old value needed is dropped later.
 */
export function cutUpstream(graph: GraphProto, upstream: Value): void {
  graph.initializer = graph.initializer.filter(({ name }) => name !== upstream.name);
  graph.input = graph.input.filter(({ name }) => name !== upstream.name);
  for (const node of graph.node) {
    node.output = node.output.map((name) => (name === upstream.name ? "" : name));
  }
  graph.node = graph.node.filter(({ output }) => output.some((name) => name !== ""));
  graph.input.push(valueInfo(upstream));
}
