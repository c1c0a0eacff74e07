import type { NodeProto } from "../model/onnx-messages.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { NodeContext } from "../graph/node-context.ts";
import type { OperatorKey } from "../graph/operator-table.ts";
import type { Value } from "../graph/value.ts";

/** What a rule sees of the node it differentiates: the field's x, y and dy. */
export class RuleContext extends NodeContext {
  readonly #upstream: readonly (Value | undefined)[];
  readonly #active: ReadonlySet<string>;

  /** @param active values that depend on what is differentiated by */
  constructor(
    b: GraphBuilder,
    node: NodeProto,
    upstream: readonly (Value | undefined)[],
    active: ReadonlySet<string>,
  ) {
    super(b, node);
    this.#active = active;
    this.#upstream = upstream;
  }

  /** Whether the gradient of input `i` is asked for. */
  needsGradient(i: number): boolean {
    return this.hasInput(i) && this.#active.has(this.node.input[i] as string);
  }

  /** Upstream gradient of output `i`: same dtype and dims as the output; zeros where nothing arrives. */
  dy(i = 0): Value {
    return this.#upstream[i] ?? this.b.fill(0, this.y(i));
  }

  /** Whether anything arrives at output `i`. */
  hasUpstream(i: number): boolean {
    return this.#upstream[i] !== undefined;
  }
}

/**
 * Builds the gradient of one input, of the input's dtype and dims. Called only when it is needed.
 * `null` stands for an input through which no gradient flows (indices, shapes, conditions).
 */
export type InputGradient = (() => Value) | null;

/** How an operator is differentiated: its vector-Jacobian product. */
export interface GradientRule extends OperatorKey {
  /**
   * The gradient of each input, in the operator's order; trailing inputs without gradient may be
   * left out. Nodes are appended inside the functions returned only.
   *
   * @throws RuleRefusal for attribute combinations that have no gradient here
   */
  build(context: RuleContext): readonly InputGradient[];
}

/** Thrown by a rule that cannot differentiate this node, with the reason as its message. */
export class RuleRefusal extends Error {
  override readonly name = "RuleRefusal";
}
