import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { Distance } from "./distance.ts";

/** Farther than any image; in place of ∞, which has no products with 0. */
export const far = 1e30;

/** [N, 1, …]: the norm of the largest change that keeps an image [N, …] in [0, 1]. */
export function farthest(ops: Operators, distance: Distance, x0: Value): Value {
  return distance.norm(ops, ops.max(x0, ops.sub(1, x0)));
}
