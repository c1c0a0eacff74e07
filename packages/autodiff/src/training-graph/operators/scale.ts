import { floatAttribute, intAttribute } from "../../graph/attribute.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import type { TrainingOperator } from "./training-operator.ts";

/** Scale(X, scale): x·scale, or x/scale with `scale_down`; scale is a scalar of any dtype. */
export const scale: TrainingOperator = {
  opType: "Scale",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [{ value: node.input[0] as string }],
  lower: (c) => [
    () => {
      const { div, mul } = arithmetic(c.b);
      const factor = c.b.cast(c.b.reshape(c.input(1), []), c.input(0).dtype);
      return (intAttribute(c.node, "scale_down", 0) === 0 ? mul : div)(c.input(0), factor);
    },
  ],
};

/** BatchScale(X): x·scale_0, x·scale_1 and x·scale_2. */
export const batchScale: TrainingOperator = {
  opType: "BatchScale",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => node.output.map(() => ({ value: node.input[0] as string })),
  lower: (c) =>
    c.node.output.map(
      (_, j) => () => arithmetic(c.b).mul(c.input(0), floatAttribute(c.node, `scale_${j}`, 1)),
    ),
};
