import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  differentiate,
  expansions,
  gradientRules,
  readModel,
  resolve,
  writeModel,
  zeroGradients,
  type Session,
} from "@onnx-asma/autodiff";
import { mulberry32 } from "../../packages/autodiff/src/mulberry32.ts";
import {
  decodeFloats,
  decodeNumbers,
  operatorCases,
  type OperatorCase,
} from "../support/operator-case.ts";
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
  const resolved = await resolve(await readModel(singleNodeModel(testCase)), ort);
  const variables = new Map(
    testCase.inputs.flatMap((t) => (t?.gradient === undefined ? [] : [[t.name, t] as const])),
  );
  const seeded = testCase.outputs.flatMap((output, i) =>
    output.upstream === undefined ? [] : [{ name: `y${i}`, ...output }],
  );
  const names = { inputs: [...variables.keys()], outputs: seeded.map(({ name }) => name) };
  const [forAny, forCpu] = (["any", "cpu"] as const).map((target) => {
    const { model } = differentiate(resolved, { ...names, target });
    expect(model.graph.node.every((node) => node.domain === "")).toBe(true);
    return writeModel(model, "embed").bytes;
  }) as [Uint8Array, Uint8Array];
  await checkGraph(forAny, testCase, variables, seeded);
  if (Buffer.compare(forAny, forCpu) !== 0) {
    await checkGraph(forCpu, testCase, variables, seeded);
  }
}

type CaseInput = NonNullable<OperatorCase["inputs"][number]>;

async function checkGraph(
  bytes: Uint8Array,
  testCase: OperatorCase,
  variables: ReadonlyMap<string, CaseInput>,
  seeded: readonly { name: string; upstream?: string; dims: readonly number[] }[],
): Promise<void> {
  const session = await ort.InferenceSession.create(bytes);
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, { data, dims }] of variables) {
    feeds[name] = new ort.Tensor("float32", decodeFloats(data), dims);
  }
  for (const tensor of testCase.inputs) {
    if (tensor?.computed === true) {
      const data = decodeNumbers(tensor.data, tensor.dtype);
      feeds[tensor.name] = new ort.Tensor(tensor.dtype, data, tensor.dims);
    }
  }
  for (const { name, upstream, dims } of seeded) {
    feeds[`${name}_grad`] = new ort.Tensor("float32", decodeFloats(upstream as string), dims);
  }
  const results = await session.run(feeds);
  testCase.outputs.forEach((output, i) => {
    if (results[`y${i}`] !== undefined) {
      const expected = decodeNumbers(output.data, output.dtype);
      expectClose(toFloats(results[`y${i}`]?.data), toFloats(expected), 1e-4, "output");
    }
  });
  for (const [name, variable] of variables) {
    const gradient = results[`${name}_grad`] as ort.Tensor;
    expect(gradient.dims).toEqual(variable.dims);
    expectClose(numbers(gradient), decodeFloats(variable.gradient as string), 1e-4, `${name}_grad`);
    if (testCase.tie !== true) {
      await checkDirections(session, feeds, name, numbers(gradient), seeded);
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
  seeded: readonly { name: string; upstream?: string }[],
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
        (sum, { name: output }) =>
          sum + dot(numbers(outputs[output]), numbers(feeds[`${output}_grad`])),
        0,
      );
    };
    const difference = ((await objective(1)) - (await objective(-1))) / (2 * step);
    const scale = Math.sqrt(dot(gradient, gradient)) + 1e-3 * Math.sqrt(x.size);
    expect(Math.abs(difference - dot(gradient, direction)) / scale).toBeLessThan(2e-2);
  }
}

/** Numbers of any dtype, which are small here. */
function toFloats(data: unknown): Float32Array {
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

function numbers(tensor: ort.Tensor | undefined): Float32Array {
  return tensor?.data as Float32Array;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
}

/** Compares with the largest expected magnitude as the scale. */
function expectClose(
  found: Float32Array,
  expected: Float32Array,
  tolerance: number,
  what: string,
): void {
  expect(found.length, what).toBe(expected.length);
  const scale = expected
    .filter(Number.isFinite)
    .reduce((max, v) => Math.max(max, Math.abs(v)), 1e-3);
  const error = expected.reduce(
    // What is infinite has to be the same.
    (max, v, i) => (v === found[i] ? max : Math.max(max, Math.abs(v - (found[i] as number)))),
    0,
  );
  expect(error / scale, `${what}: largest error over largest value`).toBeLessThan(tolerance);
}
