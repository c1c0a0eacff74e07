import type { NodeContext } from "../graph/node-context.ts";
import type { OperatorKey } from "../graph/operator-table.ts";
import type { Value } from "../graph/value.ts";

/** An operator written in others that have gradient rules: its function body. */
export interface Expansion extends OperatorKey {
  /**
   * Appends the body.
   *
   * @returns one value per output of the node, of the output's dtype and dims; outputs that the node
   *   leaves out may be left out
   * @throws RuleRefusal for attribute combinations that have no body here
   */
  expand(context: NodeContext): readonly (Value | undefined)[];
}
