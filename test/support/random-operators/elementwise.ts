import type { BoundedValue, RandomGraph } from "../random-graph.ts";
import type { RandomOperator } from "./random-operator.ts";

/** An operator of one input that keeps the dims. */
const unary =
  (opType: string, bound: (x: number) => number, since = 1): RandomOperator =>
  (g, x) =>
    g.opset < since ? undefined : g.op(opType, [x], x.dims, bound(x.bound));

/** One whose derivative jumps at 0: elements stay on their side of it. */
const kinked =
  (opType: string, attributes = {}, since = 1): RandomOperator =>
  (g, x) => {
    const away = g.awayFromZero(x);
    return g.opset < since ? undefined : g.op(opType, [away], x.dims, away.bound, attributes);
  };

/** A second operand: of the pool if dims allow for it, else a constant of dims that broadcast. */
function operand(g: RandomGraph, x: BoundedValue): BoundedValue {
  const fitting = g.values.filter((v) => broadcasts(v.dims, x.dims));
  if (fitting.length > 0 && g.int(4) > 0) {
    return g.pick(fitting);
  }
  const dims = x.dims.slice(g.int(x.dims.length + 1)).map((d) => (g.int(3) === 0 ? 1 : d));
  return { name: g.floats(dims, -1, 1), dims, bound: 1 };
}

function broadcasts(small: readonly number[], large: readonly number[]): boolean {
  return (
    small.length <= large.length &&
    small.every((d, i) => d === 1 || d === large[large.length - small.length + i])
  );
}

const binary =
  (opType: string, bound: (a: number, b: number) => number): RandomOperator =>
  (g, x) => {
    const other = operand(g, x);
    const inputs = g.int(2) === 0 ? [x, other] : [other, x];
    return g.op(opType, inputs, x.dims, bound(x.bound, other.bound));
  };

const sum = (a: number, b: number) => a + b;
const same = (bound: number) => bound;
const capped = (limit: number) => () => limit;

/** What keeps the dims, or broadcasts. */
export const elementwise: Readonly<Record<string, RandomOperator>> = {
  Sigmoid: unary("Sigmoid", capped(1)),
  Tanh: unary("Tanh", capped(1)),
  Softplus: unary("Softplus", (b) => b + 1),
  Erf: unary("Erf", capped(1)),
  Sin: unary("Sin", capped(1)),
  Cos: unary("Cos", capped(1)),
  Neg: unary("Neg", same),
  Identity: unary("Identity", same),
  OptionalGetElement: unary("OptionalGetElement", same, 18),
  // Far below 0 the slope is smaller than what the runtime's 1 + erf loses in differences.
  Gelu: (g, x) => (x.bound > 2.5 ? undefined : unary("Gelu", same, 20)(g, x)),
  Mish: unary("Mish", (b) => b + 1, 18),
  Exp: (g, x) => (x.bound > 2 ? undefined : g.op("Exp", [x], x.dims, Math.exp(x.bound))),
  Relu: kinked("Relu"),
  Abs: kinked("Abs"),
  LeakyRelu: kinked("LeakyRelu", { alpha: { float: 0.2 } }),
  Elu: kinked("Elu"),
  Clip: (g, x) => {
    const away = g.awayFromZero(x);
    return g.op("Clip", [away, g.given([], [0]), g.given([], [99])], x.dims, away.bound);
  },
  PRelu: (g, x) => {
    const away = g.awayFromZero(x);
    return g.op("PRelu", [away, g.floats(x.dims.slice(1), 0.1, 0.5)], x.dims, away.bound);
  },
  Dropout: (g, x) => ({ name: g.node("Dropout", [x.name])[0], dims: x.dims, bound: x.bound }),
  Cast: (g, x) =>
    g.op("Cast", [g.op("Cast", [x], x.dims, x.bound, { to: 11 })], x.dims, x.bound, { to: 1 }),
  Add: binary("Add", sum),
  Sub: binary("Sub", sum),
  Mul: binary("Mul", (a, b) => a * b),
  Div: (g, x) => {
    const square = g.op("Mul", [x, x], x.dims, x.bound ** 2);
    const divisor = g.op("Add", [square, g.given([1], [1])], x.dims, x.bound ** 2 + 1);
    const other = operand(g, x);
    return g.op("Div", [other, divisor], x.dims, other.bound);
  },
  Sqrt: (g, x) => {
    const positive = g.shifted(x, () => x.bound + 0.5);
    return g.op("Sqrt", [positive], x.dims, Math.max(1, positive.bound));
  },
  Log: (g, x) => {
    const positive = g.shifted(x, () => x.bound + 0.5);
    return g.op("Log", [positive], x.dims, Math.max(1, Math.log(positive.bound)));
  },
  Reciprocal: (g, x) => g.op("Reciprocal", [g.awayFromZero(x)], x.dims, 2.5),
  Pow: (g, x) =>
    x.bound > 2
      ? undefined
      : g.op("Pow", [x, g.given([], [g.pick([2, 3])])], x.dims, x.bound ** 3 + 1),
  Where: (g, x) => {
    const other = operand(g, x);
    return g.op("Where", [g.bools(x.dims), x, other], x.dims, Math.max(x.bound, other.bound));
  },
  Max: (g, x) => {
    const other = g.op("Tanh", [x], x.dims, 1);
    const shifted = g.shifted(other, () => (g.int(2) === 0 ? -1 : 1) * (x.bound + 1.4));
    return g.op(g.pick(["Max", "Min"]), [x, shifted], x.dims, shifted.bound);
  },
  Sum: (g, x) => {
    const other = operand(g, x);
    return g.op(g.pick(["Sum", "Mean"]), [x, other, x], x.dims, 2 * x.bound + other.bound);
  },
};
