import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import {
  AutodiffError,
  gradientRules,
  isFloat,
  Model,
  readModel,
  resolve,
  UnsupportedOperatorError,
  writeModel,
  zeroGradients,
  type ResolvedModel,
} from "@onnx-asma/autodiff";
import { dataTypeFromProto } from "../../packages/autodiff/src/model/data-type.ts";
import { lowerOpset } from "../../packages/autodiff/src/passes/lower-opset.ts";
import { readTensor } from "../../packages/autodiff/src/model/tensor.ts";
import {
  compareGradient,
  describeWrong,
  differentiateWhereCurved,
  runSession,
} from "./compare-gradient.ts";
import type { Numbers } from "./numbers.ts";
import { decodeBytes } from "./operator-case.ts";

/** One of ONNX's backend node cases, as test/conformance/make_cases.py writes it. */
export interface NodeCase {
  readonly name: string;
  readonly operator: string;
  /** base64 of a ModelProto. */
  readonly model: string;
  /** base64 of TensorProtos, in the order of the graph's inputs and outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly rtol: number;
  readonly atol: number;
}

/** What became of a case. */
export type Outcome =
  /** Outputs as expected, gradient as finite differences (zero, where the operator has none). */
  | { readonly state: "verified"; readonly opset: number; readonly constantInputs: string[] }
  /** The untouched runtime cannot load or run the model, or gives another output than ONNX. */
  | { readonly state: "runtime refuses"; readonly reason: string }
  /** The gradient is refused with a reason, by name of an operator that is in the registry. */
  | { readonly state: "refused"; readonly reason: string }
  /** Operators that the registry lacks. */
  | { readonly state: "no rule"; readonly reason: string }
  | { readonly state: "failed"; readonly reason: string };

interface Tensor extends Numbers {
  readonly proto: TensorProto;
}

const registered = new Set([...gradientRules.map((rule) => rule.opType), ...zeroGradients]);

/** Runs a case forwards and backwards. */
export async function runNodeCase(testCase: NodeCase): Promise<Outcome> {
  const proto = fromBinary(ModelProtoSchema, decodeBytes(testCase.model));
  const graph = proto.graph as GraphProto;
  const inputs = new Map(graph.input.map(({ name }, i) => [name, decode(testCase.inputs[i])]));
  const outputs = new Map(graph.output.map(({ name }, i) => [name, decode(testCase.outputs[i])]));
  const floats = [...inputs].filter(([, t]) => isFloat(t.dtype) && t.numbers.length > 0);
  const seeds = [...outputs].filter(([, t]) => isFloat(t.dtype) && t.numbers.length > 0);
  if (floats.length === 0 || seeds.length === 0) {
    return { state: "refused", reason: "no elements" };
  }
  const outcome = await differentiateCase(testCase, proto, inputs, outputs, floats);
  if (outcome.state !== "failed") {
    return outcome;
  }
  const reason = await reasonOfRuntime(testCase, proto, inputs, outputs);
  return reason === undefined ? outcome : { state: "runtime refuses", reason };
}

async function differentiateCase(
  testCase: NodeCase,
  proto: ModelProto,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: ReadonlyMap<string, Tensor>,
  floats: readonly (readonly [string, Tensor])[],
): Promise<Outcome> {
  const names = floats.map(([name]) => name);
  const all = await attempt(testCase, proto, inputs, outputs, names);
  if (all.state !== "refused" || names.length === 1) {
    return all;
  }
  // Inputs that have to be constants, such as the scales of Resize.
  const variables: string[] = [];
  for (const name of names) {
    const one = await attempt(testCase, proto, inputs, outputs, [...variables, name]);
    if (one.state === "verified") {
      variables.push(name);
    } else if (one.state !== "refused") {
      return one;
    }
  }
  return variables.length === 0 ? all : attempt(testCase, proto, inputs, outputs, variables);
}

function decode(base64: string | undefined): Tensor {
  const proto = fromBinary(TensorProtoSchema, decodeBytes(base64 ?? ""));
  return {
    dtype: dataTypeFromProto(proto.dataType) ?? "string",
    dims: proto.dims.map(Number),
    numbers: Float64Array.from(readTensor(proto) ?? []),
    proto,
  };
}

/** Why the runtime itself, without anything of ours, does not give what ONNX expects. */
async function reasonOfRuntime(
  testCase: NodeCase,
  proto: ModelProto,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: ReadonlyMap<string, Tensor>,
): Promise<string | undefined> {
  const floats = [...inputs].flatMap(([name, { dtype }]) => (isFloat(dtype) ? [name] : []));
  // What is refused for its version alone is tried again under one that the runtime knows.
  const relabelled = fromBinary(ModelProtoSchema, withConstants(proto, inputs, floats));
  lowerOpset(new Model(relabelled, []));
  let refusal: string | undefined;
  for (const bytes of [
    decodeBytes(testCase.model),
    withConstants(proto, inputs, floats),
    toBinary(ModelProtoSchema, relabelled),
  ]) {
    const reason = await differenceOf(bytes, testCase, inputs, outputs);
    if (reason !== undefined && !/IR version|released onnx opset/.test(reason)) {
      return reason;
    }
    refusal = reason;
  }
  return refusal;
}

async function differenceOf(
  bytes: Uint8Array,
  testCase: NodeCase,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: ReadonlyMap<string, Tensor>,
): Promise<string | undefined> {
  try {
    const found = await run(bytes, inputs);
    for (const [name, expected] of outputs) {
      const difference = compare(found.get(name) ?? [], expected.numbers, testCase, expected);
      if (difference !== undefined) {
        return `its output '${name}' differs: ${difference}`;
      }
    }
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

async function run(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, Numbers>,
): Promise<Map<string, Float64Array>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  try {
    return await runSession(session, inputs);
  } finally {
    await session.release();
  }
}

/** `undefined` when equal within the tolerance of the case. */
function compare(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: Pick<NodeCase, "rtol" | "atol">,
  { dtype }: Pick<Tensor, "dtype">,
): string | undefined {
  if (found.length !== expected.length) {
    return `${found.length} elements instead of ${expected.length}`;
  }
  const relative = Math.max(
    rtol,
    dtype === "bfloat16" ? 2 ** -7 : dtype === "float16" ? 2 ** -9 : 0,
  );
  const largest = Array.from(expected).reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const absolute = atol + (Number.isFinite(largest) ? 1e-6 * largest : 0);
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [found[i] as number, expected[i] as number];
    if (!Object.is(a, b) && a !== b && !(Math.abs(a - b) <= absolute + relative * Math.abs(b))) {
      return `${a} instead of ${b} at ${i}`;
    }
  }
  return undefined;
}

/** Differentiates with respect to `variables`; every other input becomes an initializer. */
async function attempt(
  testCase: NodeCase,
  proto: ModelProto,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: ReadonlyMap<string, Tensor>,
  variables: readonly string[],
): Promise<Outcome> {
  let resolved: ResolvedModel;
  try {
    resolved = await resolve(await readModel(withConstants(proto, inputs, variables)), ort);
  } catch (error) {
    return { state: "failed", reason: `resolve: ${describe(error)}` };
  }
  const seeds = [...outputs].flatMap(([name, { dtype }]) => (isFloat(dtype) ? [name] : []));
  const computed = seeds.find((name) => !resolved.types.has(name));
  if (computed !== undefined) {
    return { state: "refused", reason: `the dims of '${computed}' depend on values` };
  }
  const moving = variables.filter((name) => resolved.types.has(name));
  let derived: ResolvedModel | undefined;
  try {
    derived = differentiateWhereCurved(resolved, moving, seeds);
  } catch (error) {
    if (!(error instanceof UnsupportedOperatorError)) {
      return { state: "failed", reason: `differentiate: ${describe(error)}` };
    }
    const missing = error.nodes.filter((n) => n.domain !== "" || !registered.has(n.opType));
    if (missing.length > 0) {
      const reason = [...new Set(missing.map((n) => n.opType))].toSorted().join(", ");
      return { state: "no rule", reason };
    }
    const reason = [...new Set(error.nodes.map((n) => `${n.opType}: ${n.reason}`))].join("; ");
    return { state: "refused", reason };
  }
  try {
    return await check(testCase, resolved, derived, { inputs, outputs, moving, seeds });
  } catch (error) {
    return { state: "failed", reason: `run: ${describe(error)}` };
  }
}

function opsetOf(testCase: NodeCase): number {
  const { opsetImport } = fromBinary(ModelProtoSchema, decodeBytes(testCase.model));
  return Number(opsetImport.find(({ domain }) => domain === "")?.version);
}

function withConstants(
  proto: ModelProto,
  inputs: ReadonlyMap<string, Tensor>,
  variables: readonly string[],
): Uint8Array {
  const copy = fromBinary(ModelProtoSchema, toBinary(ModelProtoSchema, proto));
  const graph = copy.graph as GraphProto;
  for (const [name, tensor] of inputs) {
    if (!variables.includes(name)) {
      graph.initializer.push(Object.assign(tensor.proto, { name }));
    }
  }
  graph.input = graph.input.filter(({ name }) => variables.includes(name));
  for (const { name, type } of graph.input) {
    if (type?.value.case === "tensorType") {
      type.value.value.shape = create(TensorShapeProtoSchema, {
        dim: (inputs.get(name) as Tensor).dims.map((d) =>
          create(TensorShapeProto_DimensionSchema, {
            value: { case: "dimValue", value: BigInt(d) },
          }),
        ),
      });
    }
  }
  return toBinary(ModelProtoSchema, copy);
}

async function check(
  testCase: NodeCase,
  resolved: ResolvedModel,
  derived: ResolvedModel | undefined,
  {
    inputs,
    outputs,
    moving,
    seeds,
  }: {
    readonly inputs: ReadonlyMap<string, Tensor>;
    readonly outputs: ReadonlyMap<string, Tensor>;
    readonly moving: readonly string[];
    readonly seeds: readonly string[];
  },
): Promise<Outcome> {
  const open = (model: ResolvedModel) =>
    ort.InferenceSession.create(writeModel(model.model, "embed").bytes, { logSeverityLevel: 4 });
  const forward = await open(resolved);
  const backward = derived && (await open(derived));
  try {
    const found = await runSession(forward, inputs);
    for (const [name, expected] of outputs) {
      const difference = compare(found.get(name) ?? [], expected.numbers, testCase, expected);
      if (difference !== undefined) {
        return { state: "failed", reason: `output '${name}': ${difference}` };
      }
    }
    const variables = moving.map((name) => ({ name, ...(inputs.get(name) as Tensor) }));
    const sessions = { forward, backward };
    // Off the ties of round numbers first, then as given: not every domain allows for the first.
    let best = 0;
    for (const jitter of [0.06, 0]) {
      const comparison = await compareGradient(sessions, variables, seeds, { jitter }).catch(
        (error: unknown) => {
          if (jitter === 0) {
            throw error;
          }
        },
      );
      if (comparison === undefined) {
        continue;
      }
      const { verified, skipped, wrong } = comparison;
      if (wrong.length > 0) {
        return { state: "failed", reason: describeWrong(comparison) };
      }
      best = Math.max(best, verified / (verified + skipped));
      if (best >= 0.5) {
        const constantInputs = [...inputs]
          .filter(([name, tensor]) => isFloat(tensor.dtype) && !moving.includes(name))
          .map(([name]) => name);
        return { state: "verified", opset: opsetOf(testCase), constantInputs };
      }
    }
    return {
      state: "failed",
      reason: `only ${Math.round(100 * best)} % of the elements can be compared`,
    };
  } finally {
    await forward.release();
    await backward?.release();
  }
}

function describe(error: unknown): string {
  const code = error instanceof AutodiffError ? error.code : (error as Error).name;
  return `${code} ${firstLine(error)}`;
}

/** Without the places in the runtime's sources. */
function firstLine(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
  return (line as string).replaceAll(/\S*\.(h|cc):\d+.*\) /g, "").slice(0, 200);
}
