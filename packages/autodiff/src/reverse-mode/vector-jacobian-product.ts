import type { NodeProto } from "../model/onnx-messages.ts";
import { AutodiffError, UnsupportedOperatorError } from "../errors.ts";
import { expandNode, isExpandable } from "../expansions/expand-node.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { sameDims, type Value } from "../graph/value.ts";
import { isFloat } from "../model/data-type.ts";
import { RuleContext, RuleRefusal, type GradientRule } from "../rules/gradient-rule.ts";
import { integerArithmetic, notDifferentiable } from "../rules/index.ts";
import { findPath, type GradientPath } from "./gradient-path.ts";
import { GradientRules } from "./gradient-rules.ts";
import { UnsupportedNodes } from "./unsupported-nodes.ts";

/** Options of {@link vectorJacobianProduct}. */
export interface VectorJacobianProductOptions {
  /** Rules of your own, of any domain; they go before the built-in ones. */
  readonly rules?: readonly GradientRule[];
}

/**
 * Appends the vector-Jacobian product vᵀJ to the graph: the gradients of Σ ⟨upstreamᵢ, outputᵢ⟩ with
 * respect to each input, by reverse-mode differentiation over the nodes on the paths between them.
 * Nodes on the paths that have no rule but a function body are replaced by it first.
 *
 * @param outputs values with their upstream gradients, of equal dtype and dims
 * @param inputs values to differentiate with respect to; graph inputs or intermediate values, each
 *   gradient along all paths (those through the other inputs too)
 * @returns one gradient per input, of its dtype and dims; `undefined` where no path exists or all
 *   paths have zero gradient
 * @throws UnsupportedOperatorError naming **every** node without a rule on the paths
 */
export function vectorJacobianProduct(
  b: GraphBuilder,
  outputs: readonly { readonly value: Value; readonly upstream: Value }[],
  inputs: readonly Value[],
  options: VectorJacobianProductOptions = {},
): (Value | undefined)[] {
  const sweep = new Sweep(b, options.rules ?? []);
  const output = outputs[0]?.value.name ?? "";
  const path = sweep.prepare(
    inputs.map((input) => input.name),
    outputs.map(({ value }) => value.name),
  );
  const gradients = new Map<string, Value>();
  const accumulate = (name: string, gradient: Value) => {
    const sum = gradients.get(name);
    gradients.set(name, sum === undefined ? gradient : b.op("Add", [sum, gradient]));
  };
  for (const { value, upstream } of outputs) {
    accumulate(value.name, upstream);
  }
  for (const node of path.nodes.toReversed()) {
    const upstream = node.output.map((name) => gradients.get(name));
    const rule = sweep.ruleFor(node);
    if (upstream.every((gradient) => gradient === undefined) || rule === "zero") {
      continue;
    }
    b.within(`${node.name}_grad`, () => {
      const context = new RuleContext(b, node, upstream, path.active);
      sweep.buildOrRefuse(rule, context, output).forEach((build, i) => {
        const name = node.input[i] ?? "";
        if (build !== null && path.active.has(name)) {
          const gradient = build();
          checkGradientType(node, b.value(name), gradient);
          accumulate(name, gradient);
        }
      });
    });
  }
  return inputs.map((input) => gradients.get(input.name));
}

/** One differentiation: which rule each node has, and the nodes on the way, expanded where they have none. */
class Sweep {
  readonly #b: GraphBuilder;
  readonly #rules: GradientRules;
  readonly #unsupported: UnsupportedNodes;
  /** The node of the model that each node of an expansion stands for. */
  readonly #origin = new Map<NodeProto, NodeProto>();

  constructor(b: GraphBuilder, own: readonly GradientRule[]) {
    this.#b = b;
    this.#rules = new GradientRules(b, own);
    this.#unsupported = new UnsupportedNodes(b, this.#rules, this.#origin);
  }

  /** The rule of a node on the path, or that its gradient is zero. */
  ruleFor(node: NodeProto): GradientRule | "zero" {
    return this.#rules.of(node) as GradientRule | "zero";
  }

  /** The paths, with a rule for every node on them. */
  prepare(inputs: readonly string[], outputs: readonly string[]): GradientPath {
    const reasons = new Map<NodeProto, string>();
    for (;;) {
      const path = findPath(this.#b, this.#rules, inputs, outputs);
      let isExpanded = false;
      for (const node of path.nodes) {
        if (this.#rules.of(node) === undefined && !reasons.has(node)) {
          const reason = this.#expand(node);
          if (reason === undefined) {
            isExpanded = true;
          } else {
            reasons.set(node, reason);
          }
        }
      }
      // The body of one operator may hold another that has one, and parts that are off the path.
      if (!isExpanded) {
        this.#unsupported.refuse(path, reasons, outputs[0] ?? "");
        return path;
      }
    }
  }

  /** Replaces a node by its function body; the reason if it cannot be. */
  #expand(node: NodeProto): string | undefined {
    const unknown = isExpandable(node) ? this.#unsupported.unknownDims(node) : undefined;
    if (unknown !== undefined) {
      return unknown;
    }
    const added = expandNode(this.#b, node);
    if (added === undefined) {
      const reason = notDifferentiable.get(node.opType);
      return node.domain === "" || reason === integerArithmetic
        ? (reason ?? "no rule")
        : `operators of the domain '${node.domain}' have no rule${node.domain.endsWith("nchwc") ? "; save the model with ORT_ENABLE_EXTENDED" : ""}`;
    }
    if (typeof added === "string") {
      return added;
    }
    added.forEach((inner) => this.#origin.set(inner, this.#origin.get(node) ?? node));
    return undefined;
  }

  /** A rule may refuse what shows only now, such as gradients that arrive at a second output. */
  buildOrRefuse(rule: GradientRule, context: RuleContext, output: string) {
    try {
      return rule.build(context);
    } catch (error) {
      if (error instanceof RuleRefusal) {
        const node = this.#unsupported.describe(context.node, error.message);
        throw new UnsupportedOperatorError(output, [node]);
      }
      throw error;
    }
  }
}

function checkGradientType(node: NodeProto, x: Value, gradient: Value): void {
  // The gradient of a quantized tensor is that of the floats it stands for.
  const isOfType = isFloat(x.dtype) ? gradient.dtype === x.dtype : isFloat(gradient.dtype);
  if (!isOfType || !sameDims(gradient.dims, x.dims)) {
    throw new AutodiffError(
      "ERR_GRADIENT_TYPE",
      `The rule for ${node.opType} gave a gradient of ${gradient.dtype}[${gradient.dims.join(", ")}] for input '${x.name}' of ${x.dtype}[${x.dims.join(", ")}] at node '${node.name}'. Either the node is malformed (check the model with \`onnx.checker\`) or the rule has a fault.`,
    );
  }
}
