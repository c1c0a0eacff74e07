import type { NodeProto } from "onnx-buf";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from "../graph/attribute.ts";

/** What a rule sees of the node it differentiates: the field's x, y and dy. */
export class RuleContext {
  readonly b: GraphBuilder;
  readonly node: NodeProto;
  readonly opset: number;
  readonly #upstream: readonly (Value | undefined)[];
  readonly #active: ReadonlySet<string>;

  /** @param active values that depend on what is differentiated by */
  constructor(
    b: GraphBuilder,
    node: NodeProto,
    upstream: readonly (Value | undefined)[],
    active: ReadonlySet<string>,
  ) {
    this.b = b;
    this.#active = active;
    this.node = node;
    this.opset = b.opset;
    this.#upstream = upstream;
  }

  /** Number of inputs, omitted ones in the middle included. */
  get inputCount(): number {
    return this.node.input.length;
  }

  /** Whether input `i` is there (optional inputs may be left out). */
  hasInput(i: number): boolean {
    return (this.node.input[i] ?? "") !== "";
  }

  /** Whether the gradient of input `i` is asked for. */
  needsGradient(i: number): boolean {
    return this.hasInput(i) && this.#active.has(this.node.input[i] as string);
  }

  /** Input `i`. */
  x(i = 0): Value {
    return this.b.value(this.node.input[i] as string);
  }

  /** Output `i`. */
  y(i = 0): Value {
    return this.b.value(this.node.output[i] as string);
  }

  /** Upstream gradient of output `i`: same dtype and dims as the output; zeros where nothing arrives. */
  dy(i = 0): Value {
    return this.#upstream[i] ?? this.b.fill(0, this.y(i));
  }

  /** Whether anything arrives at output `i`. */
  hasUpstream(i: number): boolean {
    return this.#upstream[i] !== undefined;
  }

  /** The numbers of input `i` if it is a constant, `undefined` if it is left out or computed. */
  constant(i: number): readonly number[] | undefined {
    return this.hasInput(i) ? this.b.constantOf(this.x(i)) : undefined;
  }

  int<T = number>(name: string, fallback: T): number | T {
    return intAttribute(this.node, name, fallback);
  }

  float<T = number>(name: string, fallback: T): number | T {
    return floatAttribute(this.node, name, fallback);
  }

  ints(name: string): number[] | undefined {
    return intsAttribute(this.node, name);
  }

  string(name: string, fallback: string): string {
    return stringAttribute(this.node, name, fallback);
  }
}

/**
 * Builds the gradient of one input, of the input's dtype and dims. Called only when it is needed.
 * `null` stands for an input through which no gradient flows (indices, shapes, conditions).
 */
export type InputGradient = (() => Value) | null;

/** How an operator of the default domain is differentiated: its vector-Jacobian product. */
export interface GradientRule {
  /** Operator as ONNX spells it. */
  readonly opType: string;
  /**
   * The gradient of each input, in the operator's order; trailing inputs without gradient may be
   * left out.
   *
   * @throws RuleRefusal for attribute combinations that have no gradient here
   */
  build(context: RuleContext): readonly InputGradient[];
}

/** Thrown by a rule that cannot differentiate this node, with the reason as its message. */
export class RuleRefusal extends Error {
  override readonly name = "RuleRefusal";
}
