import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { contract, diagonal, diagonalMask, type Labelled } from "./contraction.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";

/**
 * Einsum (opset 12): the gradient of an operand is the contraction of dy and all other operands to the
 * operand's own subscripts, equal along those that appear nowhere else, and zero off the diagonal of those
 * that it repeats. Written in products and sums, whatever the equation.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Einsum.html
 */
export const einsum: GradientRule = {
  opType: "Einsum",
  build: (c) => {
    const { terms, output } = parse(c);
    const { b } = c;
    return terms.map((term, i) => () => {
      const own = withoutOnes(c, c.x(i), term);
      const labels = [...new Set(own.labels)];
      const factors = terms.flatMap((other, k) =>
        k === i ? [] : [diagonal(b, withoutOnes(c, c.x(k), other))],
      );
      const known = contract(b, [withoutOnes(c, c.dy(), output), ...factors], labels);
      // One axis for each of the operand's, of size 1 for labels repeated and for those nobody else has.
      const shape = own.labels.map((label, axis) =>
        own.labels.indexOf(label) === axis && known.labels.includes(label)
          ? (own.value.dims[axis] as number)
          : 1,
      );
      let dx = b.reshape(known.value, shape);
      own.labels.forEach((label, axis) => {
        const first = own.labels.indexOf(label);
        if (first !== axis) {
          dx = arithmetic(b).mul(dx, diagonalMask(b, own, [first, axis]));
        }
      });
      return b.reshape(b.expand(dx, own.value.dims), c.x(i).dims);
    });
  },
};

/**
 * A tensor without its axes of size 1, broadcast or not: products do not need them, and every label left
 * has one size.
 */
function withoutOnes({ b }: RuleContext, value: Value, labels: readonly string[]): Labelled {
  const dims = value.dims.filter((d) => d !== 1);
  return {
    value: b.reshape(value, dims),
    labels: labels.filter((_, axis) => value.dims[axis] !== 1),
  };
}

/** A label for every axis of every operand and of the output; those of an ellipsis count from its end. */
function parse(c: RuleContext): { terms: string[][]; output: string[] } {
  const [left, right] = c.string("equation", "").replaceAll(" ", "").split("->") as [
    string,
    string?,
  ];
  const labelsOf = (term: string, rank: number): string[] => {
    const [before, after] = term.split("...") as [string, string?];
    if (after === undefined) {
      return [...before];
    }
    const covered = rank - before.length - after.length;
    const ellipsis = Array.from({ length: covered }, (_, i) => `...${covered - i}`);
    return [...before, ...ellipsis, ...after];
  };
  const terms = left.split(",").map((term, i) => labelsOf(term, c.x(i).dims.length));
  const { length: rank } = c.y().dims;
  if (right !== undefined) {
    return { terms, output: labelsOf(right, rank) };
  }
  const all = terms.flat();
  const once = [...new Set(all)].filter(
    (label) => label.length === 1 && all.indexOf(label) === all.lastIndexOf(label),
  );
  // Letters by code: upper case first.
  const implicit = `...${once.toSorted((a, z) => (a < z ? -1 : 1)).join("")}`;
  return { terms, output: labelsOf(implicit, rank) };
}
