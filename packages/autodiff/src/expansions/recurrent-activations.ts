import { arithmetic } from "../graph/arithmetic.ts";
import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";

/** The activation functions, with the defaults of what they take of alpha and beta. */
const functions: readonly (readonly [name: string, ...parameters: number[]])[] = [
  ["Sigmoid"],
  ["Tanh"],
  ["Relu"],
  ["Softsign"],
  ["Softplus"],
  ["LeakyRelu", 0.01],
  ["Elu", 1],
  ["HardSigmoid", 0.2, 0.5],
  // 0 as in ONNX Runtime, where ONNX says 1 or nothing.
  ["ThresholdedRelu", 0],
  ["Affine", 0, 0],
  ["ScaledTanh", 0, 0],
];

/**
 * The activation functions of a recurrent node, those of its first direction before those of its second.
 * Each takes the next number of `activation_alpha` and of `activation_beta` if it has such a parameter, and
 * its default when none is left. Names are spelled in any case.
 *
 * @param directions how many
 * @param defaults names of the functions of one direction, if the node has none
 * @returns what applies function `i` of each direction to [1, directions, …]
 * @throws RuleRefusal for other functions, and for another number of them
 */
export function recurrentActivations(
  c: NodeContext,
  directions: number,
  defaults: readonly string[],
): (i: number, x: Value) => Value {
  const { b } = c;
  const { add, mul } = arithmetic(b);
  const given = ["activation_alpha", "activation_beta"].map((name) => [...(c.floats(name) ?? [])]);
  const each = defaults.length;
  const names =
    c.strings("activations") ?? Array.from({ length: directions }, () => defaults).flat();
  const all = names.map((spelled) => {
    const found = functions.find(([name]) => name.toLowerCase() === spelled.toLowerCase());
    if (found === undefined || names.length !== directions * each) {
      throw new RuleRefusal(`its activations are ${names.join(", ")}`);
    }
    const [name, ...parameters] = found;
    const [alpha, beta] = parameters.map((number, i) => given[i]?.shift() ?? number);
    return { name, alpha, beta };
  });
  const apply = (x: Value, { name, alpha, beta }: (typeof all)[number]): Value => {
    const float = (number?: number) => (number === undefined ? number : { float: number });
    switch (name) {
      case "Affine":
        return add(mul(x, alpha as number), beta as number);
      case "ScaledTanh":
        return mul(b.op("Tanh", [mul(x, beta as number)]), alpha as number);
      default:
        return b.op(name, [x], { alpha: float(alpha), beta: float(beta) });
    }
  };
  return (i, x) => {
    const own = all.filter((_, k) => k % each === i);
    const [first, second = first] = own as [(typeof all)[number]];
    return JSON.stringify(first) === JSON.stringify(second)
      ? apply(x, first)
      : b.concat(
          b.split(x, 1, [1, 1]).map((part, d) => apply(part, [first, second][d] as typeof first)),
          1,
        );
  };
}
