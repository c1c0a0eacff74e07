import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { elementCount } from "../../packages/autodiff/src/model/data-type.ts";
import {
  compareGradient,
  describeWrong,
  differentiateWhereCurved,
} from "../support/compare-gradient.ts";
import { mulberry32 } from "../support/numbers.ts";
import { RandomGraph } from "../support/random-graph.ts";
import { randomOperators } from "../support/random-operators.ts";

/** Number of graphs, and where they start: GRAPHS=2000 SEED=7 npx vitest run test/random */
const numRuns = Number(process.env["GRAPHS"] ?? 200);
const seed = Number(process.env["SEED"] ?? 1);

const operators = Object.entries(randomOperators);

const recipe = fc.record({
  opset: fc.constantFrom(11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23),
  initializersAreInputs: fc.boolean(),
  inputs: fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 2,
  }),
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

type Recipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

/** Values grow no larger than this: float32 has to resolve their differences. */
const [largestBound, largestCount] = [12, 300];

function build({ opset, initializersAreInputs, inputs, steps, outputs }: Recipe) {
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

const total = { verified: 0, skipped: 0, graphs: 0, used: new Map<string, number>() };

async function check(given: Recipe): Promise<void> {
  const { bytes, outputs, used } = build(given);
  fc.pre(outputs.length > 0);
  const resolved = await resolve(await readModel(bytes), ort);
  const random = mulberry32(given.opset);
  const variables = given.inputs.map((dims, i) => ({
    name: `x${i}`,
    dtype: "float32" as const,
    dims,
    numbers: Float64Array.from({ length: elementCount(dims) }, () => Math.fround(2 * random() - 1)),
  }));
  const names = variables.map(({ name }) => name);
  const derived = differentiateWhereCurved(resolved, names, outputs);
  const open = (model: typeof resolved) =>
    ort.InferenceSession.create(writeModel(model.model, "embed").bytes, { logSeverityLevel: 4 });
  const forward = await open(resolved);
  const backward = derived && (await open(derived));
  try {
    const found = await compareGradient({ forward, backward }, variables, outputs, { jitter: 0 });
    total.graphs += 1;
    total.verified += found.verified;
    total.skipped += found.skipped;
    used.forEach((name) => total.used.set(name, (total.used.get(name) ?? 0) + 1));
    if (found.wrong.length > 0) {
      throw new Error(`${describeWrong(found)} (${[...used].join(", ")})`);
    }
  } finally {
    await forward.release();
    await backward?.release();
  }
}

it(
  `has gradients equal to finite differences in ${numRuns} random graphs (seed ${seed})`,
  async () => {
    await fc.assert(fc.asyncProperty(recipe, check), {
      numRuns,
      seed,
      interruptAfterTimeLimit: undefined,
    });
    const share = total.verified / (total.verified + total.skipped);
    console.log(
      `${total.graphs} graphs, ${total.verified} elements equal, ${total.skipped} not compared`,
    );
    expect(share).toBeGreaterThan(0.9);
    const missing = Object.keys(randomOperators).filter((name) => !total.used.has(name));
    expect(numRuns < 200 ? [] : missing).toEqual([]);
  },
  numRuns * 1_000,
);
