import type { NodeProto } from "../model/onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import { gradientAttributes } from "../graph/gradient-node.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { vectorJacobianProduct } from "../reverse-mode/vector-jacobian-product.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";

/**
 * Gradient (ai.onnx.preview.training, 1): the gradients of Σ y with respect to xs, in standard
 * operators. y is taken as a function of xs and zs alone, at the values given as inputs: where these
 * are other values, or depend on each other, the nodes between them and y are copied.
 *
 * A y that is itself the result of a Gradient node (higher orders) works wherever the operators of the
 * first gradient have rules.
 *
 * @throws AutodiffError `ERR_GRADIENT_NODE` when inputs and attributes do not match;
 *   UnsupportedOperatorError as `vectorJacobianProduct` does
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators-preview.md
 */
export function expandGradientNode(b: GraphBuilder, node: NodeProto): void {
  const { xs, zs, y } = gradientAttributes(node);
  const names = [...xs, ...zs];
  if (node.input.length !== names.length || xs.length === 0 || node.output.length > xs.length) {
    throw new AutodiffError(
      "ERR_GRADIENT_NODE",
      `Expected one input for each of xs and zs (${names.length}) and one output at most for each of xs (${xs.length}) at Gradient node '${node.name}' but found ${node.input.length} and ${node.output.length}.`,
    );
  }
  const variables = node.input.map((name) => b.value(name));
  const isInPlace = node.input.every((name, i) => name === names[i]);
  const { value, at } =
    isInPlace && areIndependent(b, names)
      ? { value: b.value(y), at: variables }
      : evaluateAt(b, y, names, variables, node);
  const gradients = b.within(node.name, () => {
    const upstream = b.fill(1, value);
    return vectorJacobianProduct(b, [{ value, upstream }], at.slice(0, xs.length));
  });
  b.replace(node, () => gradients.map((gradient, i) => gradient ?? b.fill(0, at[i] as Value)));
  sortTopologically(b.graph);
}

/** Whether none of these values is computed from another one. */
function areIndependent(b: GraphBuilder, names: readonly string[]): boolean {
  const dependent = new Set<string>();
  const own = new Set(names);
  for (const node of b.graph.node) {
    if (inputsOf(node).some((name) => own.has(name) || dependent.has(name))) {
      node.output.forEach((name) => dependent.add(name));
    }
  }
  return !names.some((name) => dependent.has(name));
}

/** A copy of what y is computed by, from copies of the variables in place of the values named. */
function evaluateAt(
  b: GraphBuilder,
  y: string,
  names: readonly string[],
  variables: readonly Value[],
  node: NodeProto,
): { value: Value; at: Value[] } {
  // Copies, so that no gradient flows from one to another through what they are computed by.
  const at = variables.map((x) => b.op("Reshape", [x, b.ints(x.dims)]));
  const scope = new Map(names.map((name, i) => [name, (at[i] as Value).name]));
  const active = new Set(names);
  const needed = new Set([y]);
  const between = b.graph.node.filter((inner) => {
    const isActive = inner !== node && inputsOf(inner).some((name) => active.has(name));
    if (isActive) {
      inner.output.filter((name) => !scope.has(name)).forEach((name) => active.add(name));
    }
    return isActive;
  });
  const nodes = between
    .toReversed()
    .filter((inner) => {
      const isNeeded = inner.output.some((name) => needed.has(name) && !scope.has(name));
      if (isNeeded) {
        inputsOf(inner).forEach((name) => needed.add(name));
      }
      return isNeeded;
    })
    .toReversed();
  b.copy(nodes, scope, node.name);
  return { value: b.value(scope.get(y) ?? y), at };
}
