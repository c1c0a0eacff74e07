import { arithmetic } from "../graph/arithmetic.ts";
import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";

/** The activation functions, and which of alpha and beta they take: none, the first, or both. */
const parameterCounts: Readonly<Record<string, number>> = {
  Affine: 2,
  Elu: 1,
  HardSigmoid: 2,
  LeakyRelu: 1,
  Relu: 0,
  ScaledTanh: 2,
  Sigmoid: 0,
  Softplus: 0,
  Softsign: 0,
  Tanh: 0,
  ThresholdedRelu: 1,
};

/**
 * The activation functions of a recurrent node, those of its first direction before those of its second.
 * Each takes the next number of `activation_alpha` and of `activation_beta` if it has such a parameter; when
 * none is left, the default of the ONNX operator, or 0 where ONNX Runtime has 0. Names are spelled in any case.
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
  const names = c.strings("activations") ?? [...defaults, ...defaults].slice(0, directions * each);
  const all = names.map((spelled) => {
    const found = Object.entries(parameterCounts).find(
      ([name]) => name.toLowerCase() === spelled.toLowerCase(),
    );
    if (found === undefined || names.length !== directions * each) {
      throw new RuleRefusal(`its activations are ${names.join(", ")}`);
    }
    const [name, count] = found;
    return [name, ...given.slice(0, count).map((numbers) => numbers.shift())] as const;
  });
  const apply = (x: Value, [name, alpha, beta]: (typeof all)[number]): Value => {
    const float = (number?: number) => (number === undefined ? number : { float: number });
    switch (name) {
      case "Affine":
        return add(mul(x, alpha ?? 0), beta ?? 0);
      case "ScaledTanh":
        return mul(b.op("Tanh", [mul(x, beta ?? 0)]), alpha ?? 0);
      case "ThresholdedRelu":
        return b.op(name, [x], { alpha: { float: alpha ?? 0 } });
      default:
        return b.op(name, [x], { alpha: float(alpha), beta: float(beta) });
    }
  };
  return (i, x) => {
    const own = all.filter((_, k) => k % each === i) as [(typeof all)[number]];
    return own.every((one) => String(one) === String(own[0]))
      ? apply(x, own[0])
      : b.concat(
          b
            .split(
              x,
              1,
              own.map(() => 1),
            )
            .map((part, d) => apply(part, own[d] as (typeof all)[number])),
          1,
        );
  };
}
