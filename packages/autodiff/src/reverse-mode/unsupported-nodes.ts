import type { NodeProto } from "../model/onnx-messages.ts";
import { UnsupportedOperatorError, type UnsupportedNode } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { isQuantization } from "../graph/quantization.ts";
import { RuleContext, RuleRefusal } from "../rules/gradient-rule.ts";
import { integerArithmetic } from "../rules/index.ts";
import { isInteger, type GradientPath } from "./gradient-path.ts";
import type { GradientRules } from "./gradient-rules.ts";

/** Finds and names what cannot be differentiated. */
export class UnsupportedNodes {
  readonly #b: GraphBuilder;
  readonly #rules: GradientRules;
  /** The node of the model that each node of an expansion stands for. */
  readonly #origin: ReadonlyMap<NodeProto, NodeProto>;

  constructor(b: GraphBuilder, rules: GradientRules, origin: ReadonlyMap<NodeProto, NodeProto>) {
    this.#b = b;
    this.#rules = rules;
    this.#origin = origin;
  }

  /**
   * Makes sure that every node of a path can be differentiated.
   *
   * @param reasons why nodes without a rule could not be expanded
   * @param output what is differentiated
   * @throws UnsupportedOperatorError naming **every** node that cannot, and the nearest value before
   */
  refuse(path: GradientPath, reasons: ReadonlyMap<NodeProto, string>, output: string): void {
    const unsupported = new Map<NodeProto, string>();
    for (const node of path.nodes) {
      const reason = reasons.get(node) ?? this.#reasonAgainst(node, path.active);
      if (reason !== undefined) {
        unsupported.set(node, reason);
      }
    }
    if (unsupported.size > 0) {
      const nearest = this.#nearestBefore(unsupported, path);
      throw new UnsupportedOperatorError(output, this.#worthNaming(unsupported), nearest);
    }
  }

  /** A node of the model, or the one that it is an inner part of. */
  describe(node: NodeProto, reason: string): UnsupportedNode {
    const origin = this.#origin.get(node) ?? node;
    const { name: nodeName, opType, domain } = origin;
    const inside = origin === node ? "" : `${node.opType} in its function body: `;
    const opset = this.#b.opsetOf(domain);
    return { nodeName, opType, domain, opset, reason: `${inside}${reason}` };
  }

  /** Why a node cannot be looked at: a value at it has no known dims. */
  unknownDims(node: NodeProto): string | undefined {
    const name = [...node.input, ...node.output].find((n) => n !== "" && !this.#b.has(n));
    return name && `the dims of '${name}' depend on the image and are not known beforehand`;
  }

  #worthNaming(unsupported: ReadonlyMap<NodeProto, string>): UnsupportedNode[] {
    const all = [...unsupported];
    // A Cast or MaxPool on integers is no fault of its own where a kernel on integers made them.
    const kernels = all.filter(([node]) => this.#rules.of(node) === undefined);
    // Unknown dims spread: only the nodes where they begin are named.
    const failed = new Set(all.flatMap(([node]) => node.output));
    const named = all.filter(
      ([node, reason]) =>
        (reason !== integerArithmetic ||
          kernels.length === 0 ||
          this.#rules.of(node) === undefined) &&
        (this.unknownDims(node) === undefined || !node.input.some((name) => failed.has(name))),
    );
    const described = new Map<NodeProto, UnsupportedNode>();
    for (const [node, reason] of named) {
      const origin = this.#origin.get(node) ?? node;
      if (!described.has(origin)) {
        described.set(origin, this.describe(node, reason));
      }
    }
    return [...described.values()];
  }

  /** The last value of the model on the path that can be differentiated. */
  #nearestBefore(
    unsupported: ReadonlyMap<NodeProto, string>,
    path: GradientPath,
  ): string | undefined {
    const blocked = new Set<string>();
    let nearest: string | undefined;
    for (const node of path.nodes) {
      const isBlocked = unsupported.has(node) || inputsOf(node).some((name) => blocked.has(name));
      const origin = this.#origin.get(node);
      for (const name of node.output) {
        if (isBlocked) {
          blocked.add(name);
        } else if (
          path.active.has(name) &&
          this.#rules.of(node) !== "zero" &&
          !isInteger(this.#b, name) &&
          // Values inside of an expansion are none of the model's.
          (origin === undefined || origin.output.includes(name))
        ) {
          nearest = name;
        }
      }
    }
    return nearest;
  }

  #reasonAgainst(node: NodeProto, active: ReadonlySet<string>): string | undefined {
    const rule = this.#rules.of(node);
    if (rule === "zero" || rule === undefined) {
      return undefined;
    }
    const isFedIntegers = node.input.some((name) => active.has(name) && isInteger(this.#b, name));
    if (isFedIntegers && !isQuantization(node, "DequantizeLinear")) {
      return integerArithmetic;
    }
    const unknown = this.unknownDims(node);
    if (unknown !== undefined) {
      return unknown;
    }
    try {
      rule.build(new RuleContext(this.#b, node, [], active));
    } catch (error) {
      if (error instanceof RuleRefusal) {
        return error.message;
      }
      throw error;
    }
    return undefined;
  }
}
