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
import { isFloat, Model } from "@onnx-asma/autodiff";
import { dataTypeFromProto } from "../../packages/autodiff/src/model/data-type.ts";
import { readTensor } from "../../packages/autodiff/src/model/tensor.ts";
import { lowerOpset } from "../../packages/autodiff/src/passes/lower-opset.ts";
import { runSession } from "./compare-gradient.ts";
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

/** A tensor of a case, and its numbers. */
export interface Tensor extends Numbers {
  readonly proto: TensorProto;
}

/** A tensor of a case from its base64. */
export function decode(base64: string | undefined): Tensor {
  const proto = fromBinary(TensorProtoSchema, decodeBytes(base64 ?? ""));
  return {
    dtype: dataTypeFromProto(proto.dataType) ?? "string",
    dims: proto.dims.map(Number),
    numbers: Float64Array.from(readTensor(proto) ?? []),
    proto,
  };
}

/** The version of ONNX's operators that the case is for. */
export function opsetOf(testCase: NodeCase): number {
  const { opsetImport } = fromBinary(ModelProtoSchema, decodeBytes(testCase.model));
  return Number(opsetImport.find(({ domain }) => domain === "")?.version);
}

/** The model with every input but `variables` as an initializer. */
export function withConstants(
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

/** `undefined` when equal within the tolerance of the case. */
export function compare(
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

/** Why the runtime itself, without anything of ours, does not give what ONNX expects. */
export async function reasonOfRuntime(
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

/** Without the places in the runtime's sources. */
export function firstLine(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
  return (line as string).replaceAll(/\S*\.(h|cc):\d+.*\) /g, "").slice(0, 200);
}
