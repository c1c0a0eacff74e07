import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  differentiate,
  expansions,
  gradientRules,
  readModel,
  resolve,
  zeroGradients,
  type Session,
} from "@onnx-asma/autodiff";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";
import { decodeFloats, operatorCases, type OperatorCase } from "../support/operator-case.ts";
import {
  operatorGraph,
  relativeError,
  toFloats,
  type OperatorGraph,
} from "../support/operator-graph.ts";
import { singleNodeModel } from "../support/single-node-model.ts";

const only = process.env["OPERATOR"];
const cases = operatorCases(only);

it.runIf(only === undefined)("has cases for every rule and expansion", () => {
  const covered = new Set(cases.map(keyOf));
  // Straight-through estimates are no derivatives of one node: see test/dtypes.
  const estimated = new Set(["QuantizeLinear", "DequantizeLinear"]);
  const missing = [...gradientRules, ...expansions]
    .filter(({ opType }) => !estimated.has(opType))
    .map(keyOf)
    .filter((key) => !covered.has(key));
  expect(missing).toEqual([]);
});

for (const key of new Set(cases.map(keyOf))) {
  describe(key, () => {
    it.each(cases.filter((testCase) => keyOf(testCase) === key))(
      "$name (opset $opset)",
      async (testCase) => {
        await (zeroGradients.has(testCase.opType) ? checkFlat(testCase) : check(testCase));
      },
    );
  });
}

/** The operator, with its domain where it has one of its own. */
function keyOf({ domain = "", opType }: Pick<OperatorCase, "domain" | "opType">): string {
  return domain === "" ? opType : `${domain}.${opType}`;
}

/** Operators that are flat almost everywhere: PyTorch's gradient is zero, and ours says that there is none. */
async function checkFlat(testCase: OperatorCase): Promise<void> {
  const resolved = await resolve(await readModel(singleNodeModel(testCase)), ort);
  const expected = testCase.inputs.flatMap((t) => (t?.gradient === undefined ? [] : [t.gradient]));
  expect(expected.every((gradient) => decodeFloats(gradient).every((v) => v === 0))).toBe(true);
  expect(() => differentiate(resolved)).toThrow(
    expect.objectContaining({ code: "ERR_NO_GRADIENT" }),
  );
}

/** For both targets: output and gradients against the expected ones, gradients along random directions against finite differences. */
async function check(testCase: OperatorCase): Promise<void> {
  const graph = await operatorGraph(testCase);
  const { any, cpu } = graph.bytes;
  const bytes = Buffer.compare(any, cpu) === 0 ? [any] : [any, cpu];
  for (const written of bytes) {
    const { graph: derived } = await readModel(written);
    expect(derived.node.every((node) => node.domain === "")).toBe(true);
    await checkGraph(written, graph, testCase.tie === true);
  }
}

async function checkGraph(bytes: Uint8Array, graph: OperatorGraph, isTie: boolean): Promise<void> {
  const session = await ort.InferenceSession.create(bytes);
  const feeds: Record<string, ort.Tensor> = Object.fromEntries(
    Object.entries(graph.feeds).map(([name, { dtype, dims, data }]) => [
      name,
      new ort.Tensor(dtype, data, dims),
    ]),
  );
  const results = await session.run(feeds);
  for (const { name, dims, data } of graph.expected) {
    const found = results[name] as ort.Tensor;
    expect(found.dims, name).toEqual(dims);
    const error = relativeError(toFloats(found.data), data);
    expect(error, `${name}: largest error over largest value`).toBeLessThan(1e-4);
  }
  if (!isTie) {
    for (const name of graph.variables) {
      await checkDirections(session, feeds, name, numbers(results[`${name}_grad`]), graph.seeded);
    }
  }
  await session.release();
}

/** ⟨gradient, direction⟩ against the central difference of Σ⟨upstream, y⟩ along four directions. */
async function checkDirections(
  session: Session,
  feeds: Record<string, ort.Tensor>,
  name: string,
  gradient: Float32Array,
  seeded: readonly string[],
): Promise<void> {
  const x = feeds[name] as ort.Tensor;
  const step = 2e-3;
  const random = mulberry32(7);
  for (let round = 0; round < 4; round++) {
    const direction = Float32Array.from({ length: x.size }, () => (random() < 0.5 ? -1 : 1));
    const objective = async (sign: number): Promise<number> => {
      const moved = numbers(x).map((v, i) => v + sign * step * (direction[i] as number));
      const outputs = await session.run({
        ...feeds,
        [name]: new ort.Tensor("float32", moved, x.dims),
      });
      return seeded.reduce(
        (sum, output) => sum + dot(numbers(outputs[output]), numbers(feeds[`${output}_grad`])),
        0,
      );
    };
    const difference = ((await objective(1)) - (await objective(-1))) / (2 * step);
    const scale = Math.sqrt(dot(gradient, gradient)) + 1e-3 * Math.sqrt(x.size);
    expect(Math.abs(difference - dot(gradient, direction)) / scale).toBeLessThan(2e-2);
  }
}

function numbers(tensor: ort.Tensor | undefined): Float32Array {
  return tensor?.data as Float32Array;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
}
