import type { GraphProto, NodeProto } from "onnx-buf";
import { AutodiffError } from "../errors.ts";
import { inputsOf } from "./inputs-of.ts";

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
  const position = new Map(graph.node.map((node, i) => [node, i]));
  const needed = new Set<NodeProto>();
  const pending = graph.output.map((output) => output.name);
  const values = new Set(pending);
  const readsOf = new Map<NodeProto, readonly string[]>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = producers.get(name);
    if (node === undefined || needed.has(node)) {
      continue;
    }
    needed.add(node);
    const reads = inputsOf(node);
    readsOf.set(node, reads);
    for (const read of reads) {
      values.add(read);
      pending.push(read);
    }
  }
  // Depth first with a stack of its own, which deep graphs do not overflow.
  const order: NodeProto[] = [];
  const done = new Set<NodeProto>();
  const waiting = new Set<NodeProto>();
  const visit: NodeProto[] = [...needed].sort(
    (a, b) => (position.get(b) as number) - (position.get(a) as number),
  );
  while (visit.length > 0) {
    const node = visit.at(-1) as NodeProto;
    if (done.has(node)) {
      visit.pop();
      continue;
    }
    const missing = (readsOf.get(node) as readonly string[])
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
