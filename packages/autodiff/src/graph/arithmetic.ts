import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./value.ts";

/** A value, or a number, which takes the dtype of the value it is combined with. */
export type Operand = Value | number;

/** Elementwise operators that take plain numbers, so that rules read like their formulas. */
export function arithmetic(b: GraphBuilder) {
  const values = (operands: readonly [Operand, Operand]) => {
    const { dtype } = operands.find((operand) => typeof operand !== "number") as Value;
    return operands.map((operand) =>
      typeof operand === "number" ? b.scalar(operand, dtype) : operand,
    );
  };
  const binary =
    (opType: string) =>
    (...operands: [Operand, Operand]): Value =>
      b.op(opType, values(operands));
  return {
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    greater: binary("Greater"),
    less: binary("Less"),
    equal: binary("Equal"),
    /** `a` where the condition holds, `c` elsewhere. */
    where: (condition: Value, ...branches: [Operand, Operand]): Value =>
      b.op("Where", [condition, ...values(branches)]),
  };
}

export type Arithmetic = ReturnType<typeof arithmetic>;
