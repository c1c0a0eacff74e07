import * as ort from "onnxruntime-node";
import { differentiate, readModel, resolve, writeModel, type Target } from "@onnx-asma/autodiff";
import {
  decodeFloats,
  decodeNumbers,
  type CaseTensor,
  type OperatorCase,
} from "./operator-case.ts";
import { singleNodeModel } from "./single-node-model.ts";

/** The training graph of a case, what it is fed, and what has to come out. */
export interface OperatorGraph {
  /** Bytes of the graph for each target. */
  readonly bytes: Readonly<Record<Target, Uint8Array>>;
  readonly feeds: Readonly<Record<string, Feed>>;
  /** Outputs of the operator that the graph has, and the gradients of its variables. */
  readonly expected: readonly Expected[];
  /** Names of the inputs with a gradient. */
  readonly variables: readonly string[];
  /** Names of the outputs with an upstream gradient, which is fed under the name and `_grad`. */
  readonly seeded: readonly string[];
}

/** A tensor to feed. */
export interface Feed {
  readonly dtype: CaseTensor["dtype"];
  readonly dims: readonly number[];
  readonly data: ReturnType<typeof decodeNumbers>;
}

/** A tensor that has to come out. */
export interface Expected {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Differentiates the operator of a case with respect to all its variables. */
export async function operatorGraph(testCase: OperatorCase): Promise<OperatorGraph> {
  const resolved = await resolve(await readModel(singleNodeModel(testCase)), ort);
  const variables = testCase.inputs
    .filter((t) => t !== null)
    .filter(({ gradient }) => gradient !== undefined);
  const outputs = testCase.outputs.map((output, i) => ({ ...output, name: `y${i}` }));
  const seeded = outputs.filter(({ upstream }) => upstream !== undefined);
  const names = {
    inputs: variables.map(({ name }) => name),
    outputs: seeded.map(({ name }) => name),
  };
  const write = (target: Target) => {
    const { model } = differentiate(resolved, { ...names, target });
    return { model, bytes: writeModel(model, "embed").bytes };
  };
  const any = write("any");
  const declared = new Set(any.model.graph.output.map(({ name }) => name));
  const fed = testCase.inputs.filter((t) => t?.computed === true || t?.gradient !== undefined);
  return {
    bytes: { any: any.bytes, cpu: write("cpu").bytes },
    feeds: Object.fromEntries([
      ...fed.map((t) => [(t as CaseTensor).name, feedOf(t as CaseTensor)] as const),
      ...seeded.map(({ name, dims, upstream }) => {
        const data = decodeFloats(upstream as string);
        return [`${name}_grad`, { dtype: "float32", dims, data } as const] as const;
      }),
    ]),
    expected: [
      ...outputs
        .filter(({ name }) => declared.has(name))
        .map(({ name, dims, dtype, data }) => ({
          name,
          dims,
          data: toFloats(decodeNumbers(data, dtype)),
        })),
      ...variables.map(({ name, dims, gradient }) => ({
        name: `${name}_grad`,
        dims,
        data: decodeFloats(gradient as string),
      })),
    ],
    variables: names.inputs,
    seeded: names.outputs,
  };
}

function feedOf({ dtype, dims, data }: CaseTensor): Feed {
  return { dtype, dims, data: decodeNumbers(data, dtype) };
}

/** Numbers of any dtype, which are small here. */
export function toFloats(data: unknown): Float32Array {
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Largest error as a share of the largest finite value; what is infinite has to be the same. */
export function relativeError(found: ArrayLike<number>, expected: Float32Array): number {
  if (found.length !== expected.length) {
    return Number.POSITIVE_INFINITY;
  }
  const scale = expected
    .filter(Number.isFinite)
    .reduce((max, v) => Math.max(max, Math.abs(v)), 1e-3);
  const error = expected.reduce((max, v, i) => {
    const other = found[i] as number;
    const difference = v === other ? 0 : Math.abs(v - other);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(max, difference);
  }, 0);
  return error / scale;
}
