import type { NodeProto } from "onnx-buf";
import { AutodiffError, UnsupportedOperatorError, type UnsupportedNode } from "./errors.ts";
import type { GraphBuilder } from "./graph/graph-builder.ts";
import { sameDims, type Value } from "./graph/value.ts";
import { isFloat } from "./model/data-type.ts";
import { isQuantization } from "./passes/quantization.ts";
import { inputsOf } from "./passes/sort-topologically.ts";
import { RuleContext, RuleRefusal, type GradientRule } from "./rules/gradient-rule.ts";
import {
  gradientRules,
  integerArithmetic,
  notDifferentiable,
  zeroGradients,
} from "./rules/index.ts";

const ruleByOpType = new Map(gradientRules.map((rule) => [rule.opType, rule]));

/**
 * Appends the vector-Jacobian product vᵀJ to the graph: the gradients of Σ ⟨upstreamᵢ, outputᵢ⟩ with
 * respect to each input, by reverse-mode differentiation over the nodes on the paths between them.
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
): (Value | undefined)[] {
  const path = nodesBetween(
    b,
    inputs.map((input) => input.name),
    outputs.map((output) => output.value.name),
  );
  refuseUnsupported(b, path, outputs[0]?.value.name ?? "");
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
    if (upstream.every((gradient) => gradient === undefined) || zeroGradients.has(node.opType)) {
      continue;
    }
    b.within(`${node.name}_grad`, () => {
      const context = new RuleContext(b, node, upstream, path.active);
      const rule = ruleOf(node) as GradientRule;
      buildOrRefuse(rule, context, outputs[0]?.value.name ?? "").forEach((build, i) => {
        const name = node.input[i] ?? "";
        if (build !== null && path.active.has(name)) {
          const gradient = build();
          checkGradientType(rule, node, b.value(name), gradient);
          accumulate(name, gradient);
        }
      });
    });
  }
  return inputs.map((input) => gradients.get(input.name));
}

/** The rule for a node: of the default domain, or of an operator that means the same. */
function ruleOf(node: NodeProto): GradientRule | undefined {
  const isStandard =
    node.domain === "" ||
    isQuantization(node, "QuantizeLinear") ||
    isQuantization(node, "DequantizeLinear");
  return isStandard ? ruleByOpType.get(node.opType) : undefined;
}

/** A rule may refuse what shows only now, such as gradients that arrive at a second output. */
function buildOrRefuse(rule: GradientRule, context: RuleContext, output: string) {
  try {
    return rule.build(context);
  } catch (error) {
    if (error instanceof RuleRefusal) {
      const { name: nodeName, opType, domain } = context.node;
      const node = { nodeName, opType, domain, opset: context.opset, reason: error.message };
      throw new UnsupportedOperatorError(output, [node]);
    }
    throw error;
  }
}

interface Path {
  /** Nodes through which a gradient may flow, in topological order. */
  readonly nodes: readonly NodeProto[];
  /** Float values that depend on an input, and integers that stand for them: quantized tensors. */
  readonly active: ReadonlySet<string>;
}

/** The nodes that depend on an input (forwards) and that an output depends on (backwards). */
function nodesBetween(
  b: GraphBuilder,
  inputs: readonly string[],
  outputs: readonly string[],
): Path {
  const active = new Set(inputs);
  const forward = b.graph.node.filter((node) => {
    const isActive = inputsOf(node).some((name) => active.has(name));
    if (isActive) {
      // Integers and booleans carry nothing, unless they are quantized floats.
      const isQuantized =
        quantizes(node) ||
        (!zeroGradients.has(node.opType) &&
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
    if (isNeeded && !zeroGradients.has(node.opType)) {
      inputsOf(node).forEach((name) => needed.add(name));
    }
    return isNeeded;
  });
  return { nodes: nodes.toReversed(), active };
}

/** Whether a node turns floats into integers that stand for them. */
function quantizes(node: NodeProto): boolean {
  return node.opType === "QuantizeLinear" || node.opType === "DynamicQuantizeLinear";
}

function isInteger(b: GraphBuilder, name: string): boolean {
  return b.has(name) && !isFloat(b.value(name).dtype);
}

function refuseUnsupported(b: GraphBuilder, path: Path, output: string): void {
  const all = path.nodes.flatMap((node) => {
    const reason = reasonAgainst(b, node, path.active);
    return reason === undefined ? [] : [{ node, reason }];
  });
  if (all.length === 0) {
    return;
  }
  // A Cast or MaxPool on integers is no fault of its own where a kernel on integers made them.
  const kernels = all.filter(({ node }) => ruleOf(node) === undefined);
  const unsupported = all.filter(
    (one) => one.reason !== integerArithmetic || kernels.length === 0 || kernels.includes(one),
  );
  // Unknown dims spread: only the nodes where they begin are named.
  const failed = new Set(unsupported.flatMap(({ node }) => node.output));
  const origins = unsupported.filter(
    ({ node }) => missingOf(b, node) === undefined || !node.input.some((name) => failed.has(name)),
  );
  const nodes: UnsupportedNode[] = origins.map(({ node, reason }) => ({
    nodeName: node.name,
    opType: node.opType,
    domain: node.domain,
    opset: b.opset,
    reason,
  }));
  const refused = new Set(unsupported.map(({ node }) => node));
  const blocked = new Set<string>();
  let nearest: string | undefined;
  for (const node of path.nodes) {
    const isBlocked = refused.has(node) || inputsOf(node).some((name) => blocked.has(name));
    for (const name of node.output) {
      if (isBlocked) {
        blocked.add(name);
      } else if (path.active.has(name) && !zeroGradients.has(node.opType) && !isInteger(b, name)) {
        nearest = name;
      }
    }
  }
  throw new UnsupportedOperatorError(output, nodes, nearest);
}

function reasonAgainst(
  b: GraphBuilder,
  node: NodeProto,
  active: ReadonlySet<string>,
): string | undefined {
  const rule = ruleOf(node);
  if (rule === undefined && node.domain === "" && zeroGradients.has(node.opType)) {
    return undefined;
  }
  const isInDequantize = isQuantization(node, "DequantizeLinear");
  if (!isInDequantize && node.input.some((name) => active.has(name) && isInteger(b, name))) {
    return integerArithmetic;
  }
  if (rule === undefined) {
    const reason = notDifferentiable.get(node.opType);
    return node.domain === "" || reason === integerArithmetic
      ? (reason ?? "no rule")
      : `operators of the domain '${node.domain}' have no rule`;
  }
  const missing = missingOf(b, node);
  if (missing !== undefined) {
    return `the dims of '${missing}' depend on the image and are not known beforehand`;
  }
  try {
    rule.build(new RuleContext(b, node, [], active));
  } catch (error) {
    if (error instanceof RuleRefusal) {
      return error.message;
    }
    throw error;
  }
  return undefined;
}

/** The first value of a node whose dims are not known. */
function missingOf(b: GraphBuilder, node: NodeProto): string | undefined {
  return [...node.input, ...node.output].find((name) => name !== "" && !b.has(name));
}

function checkGradientType(rule: GradientRule, node: NodeProto, x: Value, gradient: Value): void {
  // The gradient of a quantized tensor is that of the floats it stands for.
  const isOfType = isFloat(x.dtype) ? gradient.dtype === x.dtype : isFloat(gradient.dtype);
  if (!isOfType || !sameDims(gradient.dims, x.dims)) {
    throw new AutodiffError(
      "ERR_GRADIENT_TYPE",
      `The rule for ${rule.opType} gave a gradient of ${gradient.dtype}[${gradient.dims.join(", ")}] for input '${x.name}' of ${x.dtype}[${x.dims.join(", ")}] at node '${node.name}'. Either the node is malformed (check the model with \`onnx.checker\`) or the rule has a fault.`,
    );
  }
}
