import type { BoundedValue, RandomGraph } from "../random-graph.ts";

/** Appends something that reads `x`; `undefined` where its dims do not allow for it. */
export type RandomOperator = (
  g: RandomGraph,
  x: BoundedValue,
) => BoundedValue | readonly BoundedValue[] | undefined;
