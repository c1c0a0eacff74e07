import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import { inputsOf } from "./inputs-of.ts";
import { neededValues } from "./needed-inputs.ts";

/**
 * Orders the nodes of a graph so that each comes after those it reads from, and drops the nodes and
 * initializers that no graph output needs. The order among independent nodes is kept.
 *
 * @throws AutodiffError `ERR_MODEL_CYCLE` when a node reads what follows from its own result
 */
export function sortTopologically(graph: GraphProto): void {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const output of node.output) {
      producers.set(output, node);
    }
  }
  const values = neededValues(graph);
  const needed = graph.node.filter(({ output }) => output.some((name) => values.has(name)));
  // Depth first with a stack of its own, which deep graphs do not overflow.
  const order: NodeProto[] = [];
  const done = new Set<NodeProto>();
  const waiting = new Set<NodeProto>();
  const visit = needed.toReversed();
  while (visit.length > 0) {
    const node = visit.at(-1) as NodeProto;
    if (done.has(node)) {
      visit.pop();
      continue;
    }
    const missing = inputsOf(node)
      .map((read) => producers.get(read))
      .filter((producer) => producer !== undefined)
      .filter((producer) => !done.has(producer));
    if (missing.length === 0) {
      done.add(node);
      order.push(node);
      visit.pop();
    } else if (waiting.has(node)) {
      throw new AutodiffError(
        "ERR_MODEL_CYCLE",
        `Expected a graph without cycles but node '${node.name}' (${node.opType}) reads what is computed from its own result.`,
      );
    } else {
      waiting.add(node);
      for (const producer of missing) {
        visit.push(producer);
      }
    }
  }
  graph.node = order;
  graph.initializer = graph.initializer.filter((tensor) => values.has(tensor.name));
}
