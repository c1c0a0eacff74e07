import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { Distance } from "./distance.ts";

/** [N, 1, …]: the norm of the largest change that keeps an image [N, …] in [0, 1]. */
export function farthest(ops: Operators, distance: Distance, x0: Value): Value {
  return distance.norm(ops, ops.max(x0, ops.sub(1, x0)));
}
