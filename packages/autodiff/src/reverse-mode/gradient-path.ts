import type { NodeProto } from "../model/onnx-messages.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { isFloat } from "../model/data-type.ts";
import type { GradientRules } from "./gradient-rules.ts";

/** Where gradients may flow between outputs and inputs. */
export interface GradientPath {
  /** Nodes through which a gradient may flow, in topological order. */
  readonly nodes: readonly NodeProto[];
  /** Float values that depend on an input, and integers that stand for them: quantized tensors. */
  readonly active: ReadonlySet<string>;
}

/** Finds the nodes that depend on an input (forwards) and that an output depends on (backwards). */
export function findPath(
  b: GraphBuilder,
  rules: GradientRules,
  inputs: readonly string[],
  outputs: readonly string[],
): GradientPath {
  const active = new Set(inputs);
  const forward = b.graph.node.filter((node) => {
    const isActive = inputsOf(node).some((name) => active.has(name));
    if (isActive) {
      // Integers and booleans carry nothing, unless they are quantized floats.
      const isQuantized =
        quantizes(node) ||
        (rules.of(node) !== "zero" &&
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
    if (isNeeded && rules.of(node) !== "zero") {
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

/** Whether a value is known to be of a type through which no gradient flows. */
export function isInteger(b: GraphBuilder, name: string): boolean {
  return b.has(name) && !isFloat(b.value(name).dtype);
}
