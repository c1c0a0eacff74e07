import { normalizeAxis, type Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import { untake } from "./untake.ts";

/**
 * Pad (opset 11; `axes` from 18, `wrap` from 19): dx = dy without the padding; where the padding repeats
 * x (edge, reflect, wrap), its gradients are summed to where it came from. A computed constant_value
 * gets the sum over the padding. Negative pads crop first.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Pad.html
 */
export const pad: GradientRule = {
  opType: "Pad",
  build: (c) => {
    const pads = padsOf(c);
    const mode = c.string("mode", "constant");
    if (mode === "constant") {
      const core = () =>
        c.b.pad(
          c.dy(),
          pads.map((amount) => -amount),
        );
      return [core, null, () => sumAround(c, core())];
    }
    const take = indicesByMode[mode];
    if (take === undefined) {
      throw new RuleRefusal(
        `mode '${mode}' is not one of constant, ${Object.keys(indicesByMode).join(", ")}`,
      );
    }
    const { dims } = c.x();
    const steps = dims.map((size, axis) => {
      const [begin, end] = [pads[axis] as number, pads[axis + dims.length] as number];
      const first = Math.max(0, -begin);
      const kept = size - first - Math.max(0, -end);
      const indices = Array.from(
        { length: size + begin + end },
        (_, i) => first + take(i - Math.max(0, begin), kept),
      );
      return begin === 0 && end === 0 ? (dy: Value) => dy : untake(c.b, size, indices);
    });
    return [() => steps.reduce((dy, putBack, axis) => putBack(dy, axis), c.dy())];
  },
};

/** Which of `size` elements stands at place `i`, counted from the first. */
const indicesByMode: Record<string, (i: number, size: number) => number> = {
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  wrap: (i, size) => modulo(i, size),
  reflect: (i, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const at = modulo(i, period);
    return Math.min(at, period - at) % size;
  },
};

function modulo(i: number, n: number): number {
  return ((i % n) + n) % n;
}

/** The pads of every axis: all begins, then all ends. */
function padsOf(c: RuleContext): number[] {
  const rank = c.x().dims.length;
  const given = c.constant(1);
  const axes = c.hasInput(3) ? c.constant(3) : Array.from({ length: rank }, (_, i) => i);
  if (given === undefined || axes === undefined) {
    throw new RuleRefusal("pads or axes are computed; they have to be constants");
  }
  const pads = Array.from({ length: 2 * rank }, () => 0);
  axes.forEach((axis, k) => {
    pads[normalizeAxis(axis, rank)] = given[k] as number;
    pads[normalizeAxis(axis, rank) + rank] = given[k + axes.length] as number;
  });
  return pads;
}

/** The sum of dy less that of its part without the padding. */
function sumAround(c: RuleContext, core: Value): Value {
  const sum = (value: Value) =>
    c.b.reduce(
      "ReduceSum",
      value,
      value.dims.map((_, i) => i),
      false,
    );
  return c.b.reshape(arithmetic(c.b).sub(sum(c.dy()), sum(core)), c.x(2).dims);
}
