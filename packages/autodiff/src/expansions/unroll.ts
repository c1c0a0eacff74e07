import { arithmetic } from "../graph/arithmetic.ts";
import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import { recurrentActivations } from "./recurrent-activations.ts";

/** Steps that are written out at most: each is some fifteen nodes, and its gradient twice as many. */
const mostSteps = 2000;

/** What the equations of a recurrent operator are written in. States are [1, directions, batch, size]. */
export interface Cell {
  /** Activation function `i` of a value, which is clipped before (not by the third one). */
  readonly activate: (i: number, x: Value) => Value;
  /** Splits the last axis into so many gates each, of `size` numbers. */
  readonly split: <Gates extends readonly number[]>(
    x: Value,
    ...gates: Gates
  ) => { [K in keyof Gates]: Value };
  /** The recurrent weights of so many gates each, transposed: [directions, size, gates · size]. */
  readonly weights: <Gates extends readonly number[]>(
    ...gates: Gates
  ) => { [K in keyof Gates]: Value };
  /** Input `i`, which is [directions, n], as [1, directions, 1, n]. */
  readonly perDirection: (i: number) => Value;
}

/** The states after a step, of what x gives to all gates and the states before; h comes first. */
export type Step = (x: Value, h: Value, c: Value) => readonly Value[];

/** What recurrent operators differ in. */
export interface Recurrence {
  readonly gates: number;
  /** The activation functions of one direction, if the node names none. */
  readonly activations: readonly string[];
  /** The inputs with the states before the first step. */
  readonly states: readonly number[];
  readonly step: (c: NodeContext, cell: Cell) => Step;
}

/** Whether the reset gate of a GRU is applied behind the recurrent weights and their bias. */
export function resetsBehind(c: NodeContext): boolean {
  return c.int("linear_before_reset", 0) !== 0;
}

/**
 * Writes a recurrent node out, step by step. Its directions go side by side: one that goes backwards reads
 * its input turned round. A sequence of the batch that has ended, or going backwards has not begun, keeps
 * its state; one of length 0 ends in zeros, as in ONNX Runtime.
 *
 * @returns h of every step, then the states after the last one
 * @throws RuleRefusal for more than 2000 steps, and for activations that ONNX does not have
 */
export function unroll(c: NodeContext, of: Recurrence): Value[] {
  const { b } = c;
  const { add, greater, less, where } = arithmetic(b);
  const isBatchFirst = c.int("layout", 0) === 1;
  const swapped = (value: Value) => (isBatchFirst ? b.transpose(value, [1, 0, 2]) : value);
  const x = swapped(c.x());
  const [steps, batch, width] = x.dims as readonly [number, number, number];
  if (steps > mostSteps) {
    throw new RuleRefusal(`it makes ${steps} steps, and at most ${mostSteps} are written out`);
  }
  const direction = c.string("direction", "forward");
  const isBackwards = direction === "bidirectional" ? [false, true] : [direction === "reverse"];
  const directions = isBackwards.length;
  const size = c.x(2).dims[2] as number;
  const rows = of.gates * size;
  const ones = (count: number) => Array.from({ length: count }, () => 1);
  /** [steps, directions, …] with the steps of those that go backwards in the other order. */
  const turned = (value: Value) =>
    isBackwards.includes(true)
      ? b.concat(
          b
            .split(value, 1, ones(directions))
            .map((part, d) => (isBackwards[d] ? b.reverse(part, [0]) : part)),
          1,
        )
      : value;
  const perDirection = (i: number) =>
    b.reshape(c.x(i), [1, directions, 1, c.x(i).dims[1] as number]);
  const split = (value: Value, axis: number, gates: readonly number[]) =>
    gates.length === 1
      ? [value]
      : b.split(
          value,
          axis,
          gates.map((count) => count * size),
        );
  const clip = c.float("clip", undefined);
  const function_ = recurrentActivations(c, directions, of.activations);
  const step = of.step(c, {
    activate: (i, value) =>
      function_(
        i,
        clip === undefined || i === 2
          ? value
          : b.op("Clip", [value, b.scalar(-clip, x.dtype), b.scalar(clip, x.dtype)]),
      ),
    split: (value, ...gates) => split(value, 3, gates) as never,
    weights: (...gates) => split(c.x(2), 1, gates).map((r) => b.transpose(r, [0, 2, 1])) as never,
    perDirection,
  });
  // What all gates get of all inputs is one matrix product.
  const all = b.transpose(b.reshape(c.x(1), [directions * rows, width]), [1, 0]);
  const product = b.reshape(b.matmul(x, all), [steps, batch, directions, rows]);
  const biases = c.hasInput(3) ? split(perDirection(3), 3, [of.gates, of.gates]) : [];
  const projected = (resetsBehind(c) ? biases.slice(0, 1) : biases).reduce(
    (sum, bias) => add(sum, bias),
    b.transpose(product, [0, 2, 1, 3]),
  );
  const isPartial = c.hasInput(4) && c.constant(4)?.every((n) => n === steps) !== true;
  const lengths = isPartial && b.reshape(c.x(4), [1, 1, batch, 1]);
  let states = of.states.map((i) =>
    c.hasInput(i)
      ? b.reshape(swapped(c.x(i)), [1, directions, batch, size])
      : b.fill(0, { dtype: x.dtype, dims: [1, directions, batch, size] }),
  );
  const hidden = b.split(turned(projected), 0, ones(steps)).map((input, t) => {
    const next = step(input, ...(states as [Value, Value]));
    const places = isBackwards.map((is) => (is ? steps - 1 - t : t));
    const isWithin = lengths && less(b.constant("int32", [1, directions, 1, 1], places), lengths);
    states = states.map((state, i) =>
      isWithin ? where(isWithin, next[i] as Value, state) : (next[i] as Value),
    );
    return states[0] as Value;
  });
  const within = (isThere: () => Value, value: Value) =>
    lengths ? where(isThere(), value, 0) : value;
  const times = Array.from({ length: steps }, (_, t) => t);
  const y = within(
    () => less(b.constant("int32", [steps, 1, 1, 1], times), lengths as Value),
    turned(b.concat(hidden, 0)),
  );
  return [
    isBatchFirst ? b.transpose(y, [2, 0, 1, 3]) : y,
    ...states.map((state) => {
      const last = within(() => greater(lengths as Value, 0), state);
      return swapped(b.reshape(last, [directions, batch, size]));
    }),
  ];
}
