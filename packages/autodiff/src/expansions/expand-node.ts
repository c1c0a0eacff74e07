import type { NodeProto } from "../model/onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import { expansions } from "./index.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { NodeContext } from "../graph/node-context.ts";
import { OperatorTable } from "../graph/operator-table.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";

const table = new OperatorTable(expansions);

/** Whether a node may be replaced by a function body, at some opset. */
export function isExpandable(node: NodeProto): boolean {
  return table.has(node);
}

/**
 * Replaces a node by its function body.
 *
 * @returns the nodes of the body, or why it cannot be replaced; `undefined` for operators that have
 *   none
 */
export function expandNode(
  b: GraphBuilder,
  node: NodeProto,
): readonly NodeProto[] | string | undefined {
  const expansion = table.find(node, b.opsetOf(node.domain));
  if (expansion === undefined) {
    return undefined;
  }
  const { length } = b.graph.node;
  try {
    const context = new NodeContext(b, node);
    return b.replace(node, () => expansion.expand(context));
  } catch (error) {
    if (error instanceof RuleRefusal || isUnknownType(error)) {
      b.graph.node.splice(length);
      return error.message;
    }
    throw error;
  }
}

function isUnknownType(error: unknown): error is AutodiffError {
  return error instanceof AutodiffError && error.code === "ERR_UNKNOWN_TYPE";
}
