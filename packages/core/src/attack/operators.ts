import type { GraphBuilder, Value } from "@onnx-asma/autodiff";

/** A value of the graph, or a number that becomes a constant. */
export type Operand = Value | number;

/** Arithmetic on values of a graph, so that an attack reads like its paper. All float32, broadcast as ONNX does. */
export interface Operators {
  add(x: Operand, y: Operand): Value;
  sub(x: Operand, y: Operand): Value;
  mul(x: Operand, y: Operand): Value;
  div(x: Operand, y: Operand): Value;
  /** The larger of two, element by element. */
  max(x: Operand, y: Operand): Value;
  /** The smaller of two, element by element. */
  min(x: Operand, y: Operand): Value;
  sqrt(x: Value): Value;
  exp(x: Value): Value;
  /** The natural logarithm. */
  log(x: Value): Value;
  abs(x: Value): Value;
  /** −1, 0 or 1. */
  sign(x: Value): Value;
  /** The nearest whole number, half to even, of |x| < 2²³. */
  round(x: Value): Value;
  /** `x` clipped to [low, high]. */
  clip(x: Value, low: number, high: number): Value;
  /** bool: x < y. */
  less(x: Operand, y: Operand): Value;
  /** bool: x > y. */
  greater(x: Operand, y: Operand): Value;
  /** bool: x = y. */
  equal(x: Operand, y: Operand): Value;
  /** `x` where the condition holds, otherwise `y`. */
  where(condition: Value, x: Operand, y: Operand): Value;
  /** float32 of a bool: 1 where it holds. */
  indicator(condition: Value): Value;
  /** Sum over all but axis 0: [N, …] to [N, 1, …]. */
  sum(x: Value): Value;
  /** Largest number over all but axis 0: [N, …] to [N, 1, …]. */
  largest(x: Value): Value;
}

/** {@link Operators} that append to a graph. */
export function operatorsOf(b: GraphBuilder): Operators {
  const lift = (x: Operand) => (typeof x === "number" ? b.scalar(x) : x);
  const unary = (op: string) => (x: Value) => b.op(op, [x]);
  const binary = (op: string) => (x: Operand, y: Operand) => b.op(op, [lift(x), lift(y)]);
  const ops: Operators = {
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    max: binary("Max"),
    min: binary("Min"),
    sqrt: unary("Sqrt"),
    exp: unary("Exp"),
    log: unary("Log"),
    abs: unary("Abs"),
    // ONNX Runtime 1.30 has no WebGPU kernel of Sign.
    sign: (x) => ops.sub(ops.indicator(ops.greater(x, 0)), ops.indicator(ops.less(x, 0))),
    round: b.target === "cpu" ? unary("Round") : (x) => roundOffCpu(ops, unary("Floor"), x),
    clip: (x, low, high) => b.op("Clip", [x, b.scalar(low), b.scalar(high)]),
    less: binary("Less"),
    greater: binary("Greater"),
    equal: binary("Equal"),
    where: (condition, x, y) => b.op("Where", [condition, lift(x), lift(y)]),
    indicator: (condition) => b.cast(condition, "float32"),
    sum: (x) => {
      // Rows first: a runtime that adds one number after the other, as on WebAssembly, loses four
      // digits over half a million of them.
      const rows = b.reduce("ReduceSum", x, [x.dims.length - 1]);
      return b.reduce("ReduceSum", rows, axesAfterFirst(rows).slice(0, -1));
    },
    largest: (x) => b.reduce("ReduceMax", x, axesAfterFirst(x)),
  };
  return ops;
}

/**
 * Round (opset 11) without its operator, of which ONNX Runtime 1.30 has no WebGPU kernel: ⌊x⌋, and one more
 * where more than a half is left, or exactly a half above an odd number. Each operation is exact in float32:
 * at odd numbers, what is left is a multiple of 2⁻²³, so that 2⁻²⁵ less than a half tells a half from what
 * is below.
 */
function roundOffCpu(
  { sub, mul, add, greater, indicator }: Operators,
  floor: (x: Value) => Value,
  x: Value,
) {
  const whole = floor(x);
  const halved = mul(whole, 0.5);
  const most = sub(0.5, mul(sub(halved, floor(halved)), 2 ** -24));
  return add(whole, indicator(greater(sub(x, whole), most)));
}

function axesAfterFirst({ dims }: Value): number[] {
  return dims.map((_, axis) => axis).slice(1);
}
