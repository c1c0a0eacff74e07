import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { Term } from "../model/append-model.ts";

/** [N, 1, …]: what a loss comes to, Σ⟨weight, value⟩ over its terms. */
export function sumOf({ add, mul, sum }: Operators, terms: readonly Term[]): Value {
  const sums = terms.map(({ value, weight }) => sum(mul(value, weight)));
  return sums.slice(1).reduce(add, sums[0] as Value);
}
