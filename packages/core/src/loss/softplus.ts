import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";

/** log(1 + eˣ), for x of any size. Floor has no gradient, as the shift must not have. */
export function softplus(
  b: GraphBuilder,
  { add, sub, mul, max, exp, log }: Operators,
  x: Value,
): Value {
  const shift = b.op("Floor", [max(x, 0)]);
  return add(shift, log(add(exp(mul(shift, -1)), exp(sub(x, shift)))));
}
