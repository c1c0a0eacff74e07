import { elementCount } from "../../../packages/autodiff/src/model/data-type.ts";
import type { BoundedValue, RandomGraph } from "../random-graph.ts";

/** Elements so far apart that their order cannot change. */
export function ordered(g: RandomGraph, x: BoundedValue): BoundedValue {
  const order = Array.from({ length: elementCount(x.dims) }, (_, i) => i).toSorted(
    () => g.random() - 0.5,
  );
  return g.shifted(x, (i) => (order[i] as number) * (2 * x.bound + 0.4));
}
