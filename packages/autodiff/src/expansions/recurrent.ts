import { arithmetic } from "../graph/arithmetic.ts";
import type { NodeContext } from "../graph/node-context.ts";
import type { Expansion } from "./expansion.ts";
import { resetsBehind, unroll, type Cell, type Step } from "./unroll.ts";

/**
 * RNN (opset 7, 14, 22): h' = f(x + R h). Here and below x is the input with its weights W and biases.
 *
 * @see https://onnx.ai/onnx/operators/onnx__RNN.html
 */
export const rnn: Expansion = {
  opType: "RNN",
  expand: (c) => unroll(c, { gates: 1, activations: ["Tanh"], states: [5], step: rnnStep }),
};

function rnnStep({ b }: NodeContext, { activate, weights }: Cell): Step {
  const [r] = weights(1);
  return (x, h) => [activate(0, arithmetic(b).add(x, b.matmul(h, r)))];
}

/**
 * GRU (opset 7, 14, 22): z, r = f(x + R h); n = g(x + R (r ⊙ h)), or g(x + r ⊙ (R h + bias)) with
 * `linear_before_reset`; h' = (1 − z) ⊙ n + z ⊙ h.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GRU.html
 */
export const gru: Expansion = {
  opType: "GRU",
  expand: (c) =>
    unroll(c, { gates: 3, activations: ["Sigmoid", "Tanh"], states: [5], step: gruStep }),
};

function gruStep(c: NodeContext, { activate, perDirection, split, weights }: Cell): Step {
  const { b } = c;
  const { add, mul, sub } = arithmetic(b);
  const isBehind = resetsBehind(c);
  const [first, last = first] = isBehind ? weights(3) : weights(2, 1);
  const bias = isBehind && c.hasInput(3) ? split(perDirection(3), 3, 3)[1] : undefined;
  return (x, h) => {
    const [xzr, xn] = split(x, 2, 1);
    const product = b.matmul(h, first);
    const [hzr, hn] = isBehind ? split(bias ? add(product, bias) : product, 2, 1) : [product];
    const [z, r] = split(activate(0, add(xzr, hzr)), 1, 1);
    const inner = hn ? mul(r, hn) : b.matmul(mul(r, h), last);
    const n = activate(1, add(xn, inner));
    return [add(n, mul(z, sub(h, n)))];
  };
}

/**
 * LSTM (opset 7, 14, 22): i, f = f(x + R h + P ⊙ c), c' = f ⊙ c + i ⊙ g(x + R h), o = f(x + R h + P ⊙ c'),
 * h' = o ⊙ h(c'); f = 1 − i with `input_forget`.
 *
 * @see https://onnx.ai/onnx/operators/onnx__LSTM.html
 */
export const lstm: Expansion = {
  opType: "LSTM",
  expand: (c) =>
    unroll(c, {
      gates: 4,
      activations: ["Sigmoid", "Tanh", "Tanh"],
      states: [5, 6],
      step: lstmStep,
    }),
};

function lstmStep(c: NodeContext, { activate, perDirection, split, weights }: Cell): Step {
  const { b } = c;
  const { add, mul, sub } = arithmetic(b);
  const [recurrent] = weights(4);
  const [pi, po, pf] = c.hasInput(7) ? split(perDirection(7), 1, 1, 1) : [];
  return (x, h, cell) => {
    const [xiof, xc] = split(add(x, b.matmul(h, recurrent)), 3, 1);
    const [xi, xo, xf] = split(pi ? xiof : activate(0, xiof), 1, 1, 1);
    const gate = (own: typeof x, peephole: typeof x | undefined, seen: typeof x) =>
      peephole ? activate(0, add(own, mul(peephole, seen))) : own;
    const i = gate(xi, pi, cell);
    const f = c.int("input_forget", 0) === 0 ? gate(xf, pf, cell) : sub(1, i);
    const next = add(mul(f, cell), mul(i, activate(1, xc)));
    return [mul(gate(xo, po, next), activate(2, next)), next];
  };
}
