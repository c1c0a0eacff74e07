import { create } from "@bufbuild/protobuf";
import type { AttributeProto, NodeProto } from "../../model/onnx-messages.ts";
import { NodeProtoSchema } from "../../model/onnx-schema.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Value } from "../../graph/value.ts";
import { RuleContext, RuleRefusal, type InputGradient } from "../../rules/gradient-rule.ts";
import { gradientRules } from "../../rules/index.ts";
import type { ForwardNodes } from "./forward-nodes.ts";

/** Where the dims of an output are known from: another value has them, or a tensor holds them. */
export type Like = { readonly value: string } | { readonly shape: string };

/** How one operator of ONNX Runtime's training builds becomes operators of the default domain. */
export interface TrainingOperator {
  readonly opType: string;
  /** The default domain has two that ONNX never defined: MaxPoolGrad and AveragePoolGrad. */
  readonly domain: "" | "com.microsoft";
  /** Index of the input that has the dtype of all outputs. */
  readonly upstream: number;
  /**
   * Where the dims of each output come from; `undefined` for outputs that cannot be had.
   *
   * @throws RuleRefusal when the forward node it belongs to is not found
   */
  like(node: NodeProto, forward: ForwardNodes): readonly (Like | undefined)[];
  /**
   * The outputs, built when they are needed.
   *
   * @throws RuleRefusal for attributes and forward nodes that have no gradient here
   */
  lower(c: LoweringContext): readonly InputGradient[];
}

/** What a {@link TrainingOperator} sees of the node that it replaces. */
export class LoweringContext {
  readonly b: GraphBuilder;
  readonly node: NodeProto;
  readonly forward: ForwardNodes;
  readonly #current: (name: string) => string;
  readonly #needed: ReadonlySet<string>;

  /**
   * @param current today's name of a value that was lowered already
   * @param needed names of the outputs that something reads
   */
  constructor(
    b: GraphBuilder,
    node: NodeProto,
    forward: ForwardNodes,
    current: (name: string) => string,
    needed: ReadonlySet<string>,
  ) {
    this.b = b;
    this.node = node;
    this.forward = forward;
    this.#current = current;
    this.#needed = needed;
  }

  hasInput(i: number): boolean {
    return (this.node.input[i] ?? "") !== "";
  }

  input(i: number): Value {
    return this.named(this.node.input[i] ?? "");
  }

  /** The numbers of input `i` if it is a constant. */
  constant(i: number): readonly number[] | undefined {
    return this.hasInput(i) ? this.b.constantOf(this.input(i)) : undefined;
  }

  /** A value of the graph by the name it had before. */
  named(name: string): Value {
    return this.b.value(this.#current(name));
  }

  /** A value with the dtype and dims of output `j`; its numbers mean nothing. */
  typeOfOutput(j: number): Value {
    return this.b.value(this.node.output[j] as string);
  }

  needs(j: number): boolean {
    return this.#needed.has(this.node.output[j] ?? "");
  }

  /**
   * The gradients of a forward node by its rule.
   *
   * @param y the node's output; where the rule reads only its dims, any value that has them
   * @throws RuleRefusal when the rule refuses, or there is none
   */
  gradients(
    opType: string,
    {
      x,
      y,
      dy,
      attribute = this.node.attribute,
    }: {
      readonly x: readonly (Value | undefined)[];
      readonly y: Value;
      readonly dy: Value;
      readonly attribute?: readonly AttributeProto[];
    },
  ): readonly InputGradient[] {
    const rule = gradientRules.find((candidate) => candidate.opType === opType);
    if (rule === undefined) {
      throw new RuleRefusal(`${opType} has no gradient rule`);
    }
    const node = create(NodeProtoSchema, {
      name: this.node.name,
      opType,
      input: x.map((value) => value?.name ?? ""),
      output: [y.name],
      attribute: [...attribute],
    });
    const active = new Set(node.input.filter((_, i) => this.needs(i)));
    return rule.build(new RuleContext(this.b, node, [dy], active));
  }
}

/**
 * The gradient operator of a forward operator whose rule is reused.
 *
 * @param x index of the input that is each input of the forward node
 * @param y index of the input that is the forward node's output, if the rule reads its numbers
 */
export function gradientOperator({
  opType,
  forward,
  x,
  y,
  attribute,
}: {
  readonly opType: string;
  readonly forward: string;
  readonly x: readonly number[];
  readonly y?: number;
  readonly attribute?: (node: NodeProto) => readonly AttributeProto[];
}): TrainingOperator {
  return {
    opType,
    domain: "com.microsoft",
    upstream: 0,
    like: (node) =>
      node.output.map((_, j) => {
        const value = node.input[x[j] ?? -1] ?? "";
        return value === "" ? undefined : { value };
      }),
    lower: (c) =>
      c.gradients(forward, {
        x: x.map((i) => (c.hasInput(i) ? c.input(i) : undefined)),
        y: c.input(y ?? 0),
        dy: c.input(0),
        ...(attribute && { attribute: attribute(c.node) }),
      }),
  };
}
