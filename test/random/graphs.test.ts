import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { elementCount } from "../../packages/autodiff/src/model/data-type.ts";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";
import {
  compareGradient,
  describeWrong,
  differentiateWhereCurved,
} from "../support/compare-gradient.ts";
import { buildRandomGraph, randomGraph, type Recipe } from "../support/random-graph-recipe.ts";
import { randomOperators } from "../support/random-operators/index.ts";

/** Number of graphs, and where they start: GRAPHS=2000 SEED=7 npx vitest run test/random */
const numRuns = Number(process.env["GRAPHS"] ?? 400);
const seed = Number(process.env["SEED"] ?? 1);

const total = { verified: 0, skipped: 0, graphs: 0, used: new Map<string, number>() };

async function check(given: Recipe): Promise<void> {
  const { bytes, outputs, used } = buildRandomGraph(given);
  fc.pre(outputs.length > 0);
  const resolved = await resolve(await readModel(bytes), ort);
  const random = mulberry32(given.opset);
  const all = given.inputs.map((dims, i) => ({
    name: `x${i}`,
    dtype: "float32" as const,
    dims,
    numbers: Float64Array.from({ length: elementCount(dims) }, () => Math.fround(2 * random() - 1)),
  }));
  // What no output needs is no input any more.
  const kept = new Set(resolved.model.graph.input.map((input) => input.name));
  const variables = all.filter(({ name }) => kept.has(name));
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
    await fc.assert(fc.asyncProperty(randomGraph, check), {
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
    expect(numRuns < 400 ? [] : missing).toEqual([]);
  },
  numRuns * 1_000,
);
