import { elementCount } from "../../../packages/autodiff/src/model/data-type.ts";
import type { RandomOperator } from "./random-operator.ts";
import { ordered } from "./ordered.ts";

/** What goes through integers and booleans, which carry no gradient. */
export const sidePaths: Readonly<Record<string, RandomOperator>> = {
  reshapeByShape: (g, x) => {
    const [shape] = g.node("Shape", [x.name]);
    const [flat] = g.node("Reshape", [x.name, g.ints(-1)]);
    return g.op("Reshape", [flat, shape], x.dims, x.bound);
  },
  expandToShape: (g, x) => {
    const [shape] = g.node("Shape", [x.name]);
    const [expanded] = g.node("Expand", [g.floats([1], -1, 1), shape]);
    return g.op("Add", [x, expanded], x.dims, x.bound + 1);
  },
  argMax: (g, x) => {
    const axis = g.int(x.dims.length);
    if (x.dims.length === 0 || elementCount(x.dims) > 16) {
      return undefined;
    }
    const [index] = g.node("ArgMax", [ordered(g, x).name], { axis });
    const [float] = g.node("Cast", [index], { to: 1 });
    return g.op("Add", [x, float], x.dims, x.bound + (x.dims[axis] as number));
  },
  mask: (g, x) => {
    const [mask] = g.node("Greater", [g.awayFromZero(x).name, g.given([], [0])]);
    const [float] = g.node("Cast", [mask], { to: 1 });
    return g.op("Mul", [x, float], x.dims, x.bound);
  },
  rounded: (g, x) => {
    const [step] = g.node("Sign", [g.awayFromZero(x).name]);
    return g.op("Mul", [x, step], x.dims, x.bound);
  },
};
