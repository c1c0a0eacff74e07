import fc from "fast-check";
import { elementCount } from "../../packages/autodiff/src/model/data-type.ts";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";
import { RandomGraph } from "./random-graph.ts";
import { randomOperators } from "./random-operators/index.ts";

const operators = Object.entries(randomOperators);

/** Dims of four axes at most; many layers take images only. */
const dimsOf = (minLength: number) =>
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength, maxLength: 4 });

/** What a random graph is built from; shrinks to fewer and plainer steps. */
export const randomGraph = fc.record({
  opset: fc.constantFrom(11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26),
  initializersAreInputs: fc.boolean(),
  inputs: fc.array(fc.oneof(dimsOf(0), dimsOf(4)), { minLength: 1, maxLength: 2 }),
  /** What to do, with which value (0 is the newest), and the seed of its choices. */
  steps: fc.array(
    fc.record({
      operator: fc.nat(operators.length - 1),
      from: fc.nat(7),
      choices: fc.nat(2 ** 20),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  outputs: fc.nat(2),
});

/** @see randomGraph */
export type Recipe = typeof randomGraph extends fc.Arbitrary<infer T> ? T : never;

/** Values grow no larger than this: float32 has to resolve their differences. */
const [largestBound, largestCount] = [12, 300];

/** The model, its float outputs and the operators in it. */
export function buildRandomGraph({ opset, initializersAreInputs, inputs, steps, outputs }: Recipe) {
  const g = new RandomGraph(opset);
  const used = new Set<string>();
  inputs.forEach((dims) => g.input(dims));
  for (const { operator, from, choices } of steps) {
    g.random = mulberry32(choices);
    const [name, append] = operators[operator] as (typeof operators)[number];
    let x = g.values.at(-1 - (from % g.values.length)) as (typeof g.values)[number];
    if (x.bound > largestBound) {
      x = g.op("Tanh", [x], x.dims, 1);
    }
    if (elementCount(x.dims) > largestCount) {
      x = g.overAxes("ReduceMean", 18, x, [0], x.dims.with(0, 1), x.bound);
    }
    const made = append(g, x);
    if (made !== undefined) {
      used.add(name);
      g.values.push(...("name" in made ? [made] : made));
    }
  }
  const candidates = g.values.slice(inputs.length);
  // The last one, and some that others read.
  const chosen = candidates
    .slice(-1 - outputs)
    .filter((_, i, list) => i % 2 === (list.length - 1) % 2);
  return {
    bytes: g.finish(
      chosen.map(({ name }) => name),
      initializersAreInputs,
    ),
    outputs: chosen.map(({ name }) => name),
    used,
  };
}
