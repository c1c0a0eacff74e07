import type { TrainingOperator } from "./training-operator.ts";

/** DivGrad(dY, A, B): the gradients of a and b. */
export const divGrad: TrainingOperator = {
  opType: "DivGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [1, 2].map((i) => ({ value: node.input[i] as string })),
  lower: (c) =>
    c.gradients("Div", {
      x: [c.input(1), c.input(2)],
      y: c.b.op("Div", [c.input(1), c.input(2)]),
      dy: c.input(0),
    }),
};
