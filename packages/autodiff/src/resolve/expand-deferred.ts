import { AutodiffError } from "../errors.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { isGradientNode } from "../graph/gradient-node.ts";
import { ResolvedModel } from "../graph/resolved-model.ts";
import type { Model } from "../model/model.ts";
import type { ResolveContext } from "./resolve-context.ts";
import { expandGradientNode } from "./expand-gradient-node.ts";
import { expandNode } from "../expansions/expand-node.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";

/**
 * Replaces the nodes that the runtime is not asked about, as far as the types of their inputs are
 * known by now.
 *
 * @returns whether one was replaced
 * @throws AutodiffError `ERR_UNKNOWN_TYPE` when a Gradient node is left whose inputs stay unknown, and
 *   the runtime's refusal when other nodes are that it does not have
 */
export function expandDeferred(model: Model, { types, probe }: ResolveContext): boolean {
  if (!model.graph.node.some((node) => probe.isDeferred(node))) {
    return false;
  }
  const b = new GraphBuilder(new ResolvedModel(model, types));
  let isChanged = false;
  for (const node of b.graph.node.filter((n) => probe.isDeferred(n))) {
    // The gradient of one Gradient node may have expanded what comes later.
    if (b.graph.node.includes(node) && inputsOf(node).every((name) => b.has(name))) {
      if (isGradientNode(node)) {
        expandGradientNode(b, node);
        isChanged = true;
      } else if (typeof expandNode(b, node) === "object") {
        isChanged = true;
      }
    }
  }
  if (isChanged) {
    model.proto.graph = b.graph;
    sortTopologically(b.graph);
    if (!b.graph.node.some(isGradientNode)) {
      model.proto.opsetImport = model.proto.opsetImport.filter(
        ({ domain }) => domain !== "ai.onnx.preview.training",
      );
    }
    return true;
  }
  const left = b.graph.node.find(isGradientNode);
  if (left !== undefined) {
    throw new AutodiffError(
      "ERR_UNKNOWN_TYPE",
      `The dims of what Gradient node '${left.name}' reads are not known beforehand: they depend on the values of an input.`,
    );
  }
  if (probe.refusal !== undefined) {
    throw probe.refusal;
  }
  return false;
}
