import { normalizeAxis, type Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { addToElements } from "./gather-elements.ts";
import {
  RuleRefusal,
  type GradientRule,
  type InputGradient,
  type RuleContext,
} from "./gradient-rule.ts";
import { lazy } from "./lazy.ts";
import { addToRows, rowsOfSlices } from "./linear-indices.ts";
import { reduceElements } from "./scatter-add.ts";

/** How a scatter reads and writes at its indices. */
interface Access {
  /** The elements that the indices name. */
  take(value: Value): Value;
  /** A copy of `data` in which the elements that the indices name are replaced. */
  put(data: Value, updates: Value): Value;
  /** The sum of the updates at each index, zeros elsewhere. */
  add(updates: Value): Value;
  /** The product of the updates at each index, ones elsewhere. */
  multiply(updates: Value): Value;
}

/**
 * ScatterElements (opset 11; `reduction` from 16): dx = dy with zeros at the indices, dupdates = dy at the
 * indices. With "add": dx = dy, dupdates = dy at the indices. With "mul": as a product of x and the
 * updates, safe for zeros. With "max" and "min" (opset 18): dy split evenly between x and the updates that
 * reach y, as torch.scatter_reduce. Without reduction, ONNX leaves repeated indices undefined; each gets
 * all of dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ScatterElements.html
 */
export const scatterElements = scattering("ScatterElements", (c) => {
  const axis = normalizeAxis(c.int("axis", 0), c.x().dims.length);
  return {
    take: (value) => c.b.op("GatherElements", [value, c.x(1)], { axis }),
    put: (data, updates) => c.b.op("ScatterElements", [data, c.x(1), updates], { axis }),
    add: (updates) => addToElements(c, updates, c.x().dims),
    multiply: (updates) => reduceElements(c.b, "mul", c.b.fill(1, c.x()), c.x(1), updates, axis),
  };
});

/**
 * ScatterND (opset 11; `reduction` from 16): as ScatterElements, for the slices that coordinates name.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ScatterND.html
 */
export const scatterND = scattering("ScatterND", (c) => {
  const { dims } = c.x();
  return {
    take: (value) => c.b.op("GatherND", [value, c.x(1)]),
    put: (data, updates) => c.b.op("ScatterND", [data, c.x(1), updates]),
    add: (updates) => addToRows(c.b, updates, rowsOfSlices(c, 1, dims, 0), dims),
    multiply: (updates) => {
      const { rows, rowLength, count, places } = rowsOfSlices(c, 1, dims, 0);
      const lines = c.b.reshape(updates, [count, rowLength]);
      const at = "name" in places ? places : c.b.ints(places);
      const ones = c.b.fill(1, { dtype: updates.dtype, dims: [rows, rowLength] });
      const indices = c.b.expand(c.b.reshape(at, [count, 1]), lines.dims);
      return c.b.reshape(reduceElements(c.b, "mul", ones, indices, lines, 0), dims);
    },
  };
});

function scattering(opType: string, accessOf: (c: RuleContext) => Access): GradientRule {
  return {
    opType,
    build: (c) => {
      const reduction = c.string("reduction", "none");
      const access = accessOf(c);
      switch (reduction) {
        case "none":
          return [() => access.put(c.dy(), c.b.fill(0, c.x(2))), null, () => access.take(c.dy())];
        case "add":
          return [() => c.dy(), null, () => access.take(c.dy())];
        case "mul":
          return product(c, access);
        case "max":
        case "min":
          return extremum(c, access);
        default:
          throw new RuleRefusal(`reduction '${reduction}' is not one of none, add, mul, max, min`);
      }
    },
  };
}

/** Every factor gets dy times all others: by division, and 0 where another one is zero. */
function product(c: RuleContext, { take, multiply, add }: Access): InputGradient[] {
  const { b } = c;
  const { div, equal, mul, sub, where } = arithmetic(b);
  return [
    () => mul(c.dy(), multiply(c.x(2))),
    null,
    () => {
      const isZero = equal(c.x(2), 0);
      const zeros = b.cast(isZero, c.x().dtype);
      const otherZeros = sub(take(add(zeros)), zeros);
      const nonzero = where(isZero, 1, c.x(2));
      const others = div(take(mul(c.x(), multiply(nonzero))), nonzero);
      return mul(take(c.dy()), where(equal(otherZeros, 0), others, 0));
    },
  ];
}

/** Data and updates that reach y get equal shares of dy. */
function extremum(c: RuleContext, { take, add }: Access): InputGradient[] {
  const { b } = c;
  const { div, equal, where } = arithmetic(b);
  const isData = lazy(() => equal(c.x(), c.y()));
  const isUpdate = lazy(() => equal(c.x(2), take(c.y())));
  const share = lazy(() => {
    const { dtype } = c.y();
    const reached = arithmetic(b).add(b.cast(isData(), dtype), add(b.cast(isUpdate(), dtype)));
    return div(c.dy(), reached);
  });
  return [() => where(isData(), share(), 0), null, () => where(isUpdate(), take(share()), 0)];
}
