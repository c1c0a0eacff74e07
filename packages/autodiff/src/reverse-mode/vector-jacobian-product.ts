import type { NodeProto } from "onnx-buf";
import { AutodiffError, UnsupportedOperatorError, type UnsupportedNode } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { OperatorTable } from "../graph/operator-table.ts";
import { sameDims, type Value } from "../graph/value.ts";
import { isFloat } from "../model/data-type.ts";
import { expandNode, isExpandable } from "../expansions/expand-node.ts";
import { isQuantization } from "../graph/quantization.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { RuleContext, RuleRefusal, type GradientRule } from "../rules/gradient-rule.ts";
import {
  gradientRules,
  integerArithmetic,
  notDifferentiable,
  zeroGradients,
} from "../rules/index.ts";

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
      sweep.buildOrRefuse(rule as GradientRule, context, output).forEach((build, i) => {
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

interface Path {
  /** Nodes through which a gradient may flow, in topological order. */
  readonly nodes: readonly NodeProto[];
  /** Float values that depend on an input, and integers that stand for them: quantized tensors. */
  readonly active: ReadonlySet<string>;
}

/** One differentiation: the nodes on the way, and which rule each has. */
class Sweep {
  readonly #b: GraphBuilder;
  readonly #rules: OperatorTable<GradientRule>;
  readonly #own: OperatorTable<GradientRule>;
  /** The node of the model that each node of an expansion stands for. */
  readonly #origin = new Map<NodeProto, NodeProto>();

  constructor(b: GraphBuilder, own: readonly GradientRule[]) {
    this.#b = b;
    this.#own = new OperatorTable(own);
    this.#rules = new OperatorTable([...gradientRules, ...own]);
  }

  /** The rule of a node, or that its gradient is zero. */
  ruleFor(node: NodeProto): GradientRule | "zero" | undefined {
    if (node.domain !== "" && isQuantizing(node)) {
      // ONNX Runtime's own ones mean the same.
      return (
        this.#own.find(node, this.#b.opsetOf(node.domain)) ??
        this.#rules.find({ ...node, domain: "" }, this.#b.opset)
      );
    }
    const opset = this.#b.opsetOf(node.domain);
    const isZero = node.domain === "" && zeroGradients.has(node.opType);
    return isZero && this.#own.find(node, opset) === undefined
      ? "zero"
      : this.#rules.find(node, opset);
  }

  /** The paths, with a rule for every node on them. */
  prepare(inputs: readonly string[], outputs: readonly string[]): Path {
    const reasons = new Map<NodeProto, string>();
    for (;;) {
      const path = this.#nodesBetween(inputs, outputs);
      let isExpanded = false;
      for (const node of path.nodes) {
        if (this.ruleFor(node) === undefined && !reasons.has(node)) {
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
        this.#refuseUnsupported(path, reasons, outputs[0] ?? "");
        return path;
      }
    }
  }

  /** Replaces a node by its function body; the reason if it cannot be. */
  #expand(node: NodeProto): string | undefined {
    const unknown = isExpandable(node) ? this.#unknownValue(node) : undefined;
    if (unknown !== undefined) {
      return unknown;
    }
    const added = expandNode(this.#b, node);
    if (added === undefined) {
      const reason = notDifferentiable.get(node.opType);
      return node.domain === "" || reason === integerArithmetic
        ? (reason ?? "no rule")
        : `operators of the domain '${node.domain}' have no rule`;
    }
    if (typeof added === "string") {
      return added;
    }
    added.forEach((inner) => this.#origin.set(inner, this.#origin.get(node) ?? node));
    return undefined;
  }

  #unknownValue(node: NodeProto): string | undefined {
    const name = [...node.input, ...node.output].find((n) => n !== "" && !this.#b.has(n));
    return name && `the dims of '${name}' depend on the image and are not known beforehand`;
  }

  /** A rule may refuse what shows only now, such as gradients that arrive at a second output. */
  buildOrRefuse(rule: GradientRule, context: RuleContext, output: string) {
    try {
      return rule.build(context);
    } catch (error) {
      if (error instanceof RuleRefusal) {
        throw new UnsupportedOperatorError(output, [this.#describe(context.node, error.message)]);
      }
      throw error;
    }
  }

  /** The nodes that depend on an input (forwards) and that an output depends on (backwards). */
  #nodesBetween(inputs: readonly string[], outputs: readonly string[]): Path {
    const b = this.#b;
    const active = new Set(inputs);
    const forward = b.graph.node.filter((node) => {
      const isActive = inputsOf(node).some((name) => active.has(name));
      if (isActive) {
        // Integers and booleans carry nothing, unless they are quantized floats.
        const isQuantized =
          quantizes(node) ||
          (this.ruleFor(node) !== "zero" &&
            inputsOf(node).some((name) => active.has(name) && isInteger(b, name)));
        for (const name of node.output) {
          if (name !== "" && (isQuantized || !isInteger(b, name))) {
            active.add(name);
          }
        }
      }
      return isActive && node.output.some((name) => active.has(name));
    });
    const needed = new Set(outputs);
    const nodes = forward.toReversed().filter((node) => {
      const isNeeded = node.output.some((name) => needed.has(name) && active.has(name));
      if (isNeeded && this.ruleFor(node) !== "zero") {
        inputsOf(node).forEach((name) => needed.add(name));
      }
      return isNeeded;
    });
    return { nodes: nodes.toReversed(), active };
  }

  #refuseUnsupported(path: Path, reasons: ReadonlyMap<NodeProto, string>, output: string): void {
    const unsupported = new Map<NodeProto, string>();
    for (const node of path.nodes) {
      const reason = reasons.get(node) ?? this.#reasonAgainst(node, path.active);
      if (reason !== undefined) {
        unsupported.set(node, reason);
      }
    }
    if (unsupported.size === 0) {
      return;
    }
    const all = [...unsupported];
    // A Cast or MaxPool on integers is no fault of its own where a kernel on integers made them.
    const kernels = all.filter(([node]) => this.ruleFor(node) === undefined);
    // Unknown dims spread: only the nodes where they begin are named.
    const failed = new Set(all.flatMap(([node]) => node.output));
    const named = all.filter(
      ([node, reason]) =>
        (reason !== integerArithmetic ||
          kernels.length === 0 ||
          this.ruleFor(node) === undefined) &&
        (this.#unknownValue(node) === undefined || !node.input.some((name) => failed.has(name))),
    );
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
          this.ruleFor(node) !== "zero" &&
          !isInteger(this.#b, name) &&
          // Values inside of an expansion are none of the model's.
          (origin === undefined || origin.output.includes(name))
        ) {
          nearest = name;
        }
      }
    }
    const described = new Map<NodeProto, UnsupportedNode>();
    for (const [node, reason] of named) {
      const origin = this.#origin.get(node) ?? node;
      if (!described.has(origin)) {
        described.set(origin, this.#describe(node, reason));
      }
    }
    throw new UnsupportedOperatorError(output, [...described.values()], nearest);
  }

  #describe(node: NodeProto, reason: string): UnsupportedNode {
    const origin = this.#origin.get(node) ?? node;
    const { name: nodeName, opType, domain } = origin;
    const inside = origin === node ? "" : `${node.opType} in its function body: `;
    const opset = this.#b.opsetOf(domain);
    return { nodeName, opType, domain, opset, reason: `${inside}${reason}` };
  }

  #reasonAgainst(node: NodeProto, active: ReadonlySet<string>): string | undefined {
    const rule = this.ruleFor(node);
    if (rule === "zero" || rule === undefined) {
      return undefined;
    }
    const isFedIntegers = node.input.some((name) => active.has(name) && isInteger(this.#b, name));
    if (isFedIntegers && !isQuantization(node, "DequantizeLinear")) {
      return integerArithmetic;
    }
    const unknown = this.#unknownValue(node);
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

function isQuantizing(node: NodeProto): boolean {
  return isQuantization(node, "QuantizeLinear") || isQuantization(node, "DequantizeLinear");
}

/** Whether a node turns floats into integers that stand for them. */
function quantizes(node: NodeProto): boolean {
  return node.opType === "QuantizeLinear" || node.opType === "DynamicQuantizeLinear";
}

function isInteger(b: GraphBuilder, name: string): boolean {
  return b.has(name) && !isFloat(b.value(name).dtype);
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
