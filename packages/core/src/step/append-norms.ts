import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";

/** Norms of a perturbation [N, C, …], each [N, 1, …]. */
export function appendNorms({ abs, mul, sqrt, sum, largest }: Operators, perturbation: Value) {
  const size = abs(perturbation);
  return { l1: sum(size), l2: sqrt(sum(mul(size, size))), linf: largest(size) };
}
