import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import {
  differentiate,
  readModel,
  resolve,
  writeModel,
  type Attributes,
  type DataType,
  type ResolvedModel,
} from "@onnx-asma/autodiff";
// The model of a test is written with the same messages as a derived one.
import { makeAttributes } from "../../packages/autodiff/src/graph/attribute.ts";
import { valueInfo } from "../../packages/autodiff/src/graph/value-info.ts";
import { makeTensor } from "../../packages/autodiff/src/model/tensor.ts";

type Numbers = readonly number[];

/** A model of a few nodes, for tests. */
export interface TinyModel {
  readonly opset?: number;
  /** Graph inputs: dtype (float32 if left out) and dims. */
  readonly inputs: Readonly<Record<string, { readonly dtype?: DataType; readonly dims: Numbers }>>;
  readonly constants?: Readonly<
    Record<string, { readonly dtype?: DataType; readonly dims: Numbers; readonly data: Numbers }>
  >;
  /** Operator, inputs, output (or all outputs), attributes. */
  readonly nodes: readonly (readonly [
    string,
    readonly string[],
    string | readonly string[],
    Attributes?,
  ])[];
  /** @default the output of the last node */
  readonly outputs?: readonly string[];
}

/** The bytes of the model. */
export function tinyModel({
  opset = 17,
  inputs,
  constants = {},
  nodes,
  outputs,
}: TinyModel): Uint8Array {
  const results = outputs ?? nodes.slice(-1).flatMap(([, , output]) => output);
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
      graph: create(GraphProtoSchema, {
        name: "tiny",
        input: Object.entries(inputs).map(([name, { dtype = "float32", dims }]) =>
          valueInfo({ name, dtype, dims }),
        ),
        initializer: Object.entries(constants).map(([name, { dtype = "float32", dims, data }]) =>
          makeTensor(name, dtype, dims, data),
        ),
        node: nodes.map(([opType, input, output, attributes], i) =>
          create(NodeProtoSchema, {
            name: `${opType.toLowerCase()}_${i}`,
            opType,
            input: [...input],
            output: [output].flat(),
            attribute: makeAttributes(attributes ?? {}),
          }),
        ),
        output: results.map((name) => create(ValueInfoProtoSchema, { name })),
      }),
    }),
  );
}

/** The training graph of the model, with respect to the inputs named (the first, if none are). */
export async function derive(model: TinyModel, inputs?: readonly string[]): Promise<ResolvedModel> {
  return differentiate(await resolve(await readModel(tinyModel(model)), ort), { inputs });
}

/** All outputs of a training graph. */
export async function run(
  derived: ResolvedModel,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
