import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto, type ModelProto } from "onnx-buf";
import * as ort from "onnxruntime-node";
import {
  AutodiffError,
  gradientRules,
  isFloat,
  readModel,
  resolve,
  UnsupportedOperatorError,
  writeModel,
  zeroGradients,
  type ResolvedModel,
} from "@onnx-asma/autodiff";
import {
  compareGradient,
  describeWrong,
  differentiateWhereCurved,
  runSession,
} from "./compare-gradient.ts";
import {
  compare,
  decode,
  firstLine,
  opsetOf,
  reasonOfRuntime,
  withConstants,
  type NodeCase,
  type Tensor,
} from "./node-case.ts";
import { decodeBytes } from "./operator-case.ts";

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
