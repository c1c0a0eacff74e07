import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import { tiny } from "../attack/limits.ts";
import type { Distance } from "./distance.ts";

/** The Euclidean norm over all channels and pixels. */
export const l2: Distance = {
  name: "l2",
  norm,
  dual: norm,
  steepest: (ops, gradient) => {
    const { abs, div, largest, max } = ops;
    // Squares of small numbers vanish in float32: the largest becomes 1 first.
    const scaled = div(gradient, max(largest(abs(gradient)), tiny));
    return div(scaled, max(norm(ops, scaled), tiny));
  },
  project: (ops, u, x0, epsilon) => {
    const { add, sub, mul, div, min, max } = ops;
    const perturbation = sub(u, x0);
    return add(x0, mul(perturbation, min(div(epsilon, max(norm(ops, perturbation), tiny)), 1)));
  },
  sample: ({ data }, epsilon, random) => {
    const direction = Float64Array.from(data, () => random.normal());
    const length = Math.sqrt(direction.reduce((sum, v) => sum + v * v, 0));
    const radius = epsilon * random.uniform() ** (1 / data.length);
    return data.map((v, i) =>
      Math.min(1, Math.max(0, v + (radius * (direction[i] as number)) / length)),
    );
  },
};

function norm({ mul, sqrt, sum }: Operators, perturbation: Value): Value {
  return sqrt(sum(mul(perturbation, perturbation)));
}
