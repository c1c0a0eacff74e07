import type { Distance } from "./distance.ts";

/** The largest change of a value. */
export const linf: Distance = {
  name: "linf",
  norm: ({ abs, largest }, perturbation) => largest(abs(perturbation)),
  dual: ({ abs, sum }, gradient) => sum(abs(gradient)),
  steepest: ({ sign }, gradient) => sign(gradient),
  project: ({ add, sub, mul, min, max }, u, x0, epsilon) =>
    add(x0, max(min(sub(u, x0), epsilon), mul(epsilon, -1))),
  sample: ({ data }, epsilon, random) =>
    data.map((v) => Math.min(1, Math.max(0, v + epsilon * (2 * random.uniform() - 1)))),
};
