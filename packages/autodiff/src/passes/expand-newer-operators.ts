import { GraphBuilder } from "../graph/graph-builder.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import { expandNode } from "../expansions/expand-node.ts";
import { isNewerThan21, lowerOpset } from "./lower-opset.ts";

/**
 * Replaces operators that opset 21 does not have by their function bodies, and relabels the model as
 * opset 21 if none is left: execution providers have more kernels for it.
 */
export function expandNewerOperators(resolved: ResolvedModel): ResolvedModel {
  if (!resolved.model.graph.node.some(isNewerThan21)) {
    lowerOpset(resolved.model.proto);
    return resolved;
  }
  const b = new GraphBuilder(resolved);
  for (const node of b.graph.node.filter(isNewerThan21)) {
    // What is refused stays, and the model with it at its opset.
    expandNode(b, node);
  }
  const expanded = b.build();
  lowerOpset(expanded.model.proto);
  return expanded;
}
