import { expandNode } from "../expansions/expand-node.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { ResolvedModel } from "../graph/resolved-model.ts";
import type { Model } from "../model/model.ts";
import { isNewerThan21, lowerOpset } from "./lower-opset.ts";
import type { PassContext } from "./pass.ts";

/**
 * Replaces operators that opset 21 does not have by their function bodies, and relabels the model as
 * opset 21 if none is left: execution providers have more kernels for it. The types of what it adds are
 * in the context then.
 *
 * @returns whether an operator was replaced, or the model relabelled
 */
export function expandNewerOperators(model: Model, context: Pick<PassContext, "types">): boolean {
  if (!model.graph.node.some(isNewerThan21)) {
    return lowerOpset(model);
  }
  const b = new GraphBuilder(new ResolvedModel(model, context.types));
  const replaced = b.graph.node
    .filter(isNewerThan21)
    // What is refused stays, and the model with it at its opset.
    .filter((node) => typeof expandNode(b, node) === "object");
  const expanded = b.build();
  model.proto.graph = expanded.model.graph;
  context.types = expanded.types;
  return [lowerOpset(model), replaced.length > 0].includes(true);
}
