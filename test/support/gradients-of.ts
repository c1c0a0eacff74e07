import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type ModelProto } from "onnx-buf";
import * as ort from "onnxruntime-node";
import {
  differentiate,
  readModel,
  resolve,
  writeModel,
  type DifferentiateOptions,
  type ResolvedModel,
} from "@onnx-asma/autodiff";

type Numbers = Readonly<Record<string, readonly number[]>>;

/** The model, resolved. */
export async function resolved(proto: ModelProto): Promise<ResolvedModel> {
  return await resolve(await readModel(toBinary(ModelProtoSchema, proto)), ort);
}

/** What a model computes at these values; inputs that are not given are 1. */
export async function evaluate(
  { model, types }: ResolvedModel,
  values: Numbers = {},
): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(writeModel(model, "embed").bytes);
  const feeds: Record<string, ort.Tensor> = {};
  for (const { name } of model.graph.input) {
    const dims = types.get(name)?.dims ?? [];
    const count = dims.reduce((n, d) => n * d, 1);
    const data = Float32Array.from({ length: count }, (_, i) => values[name]?.[i] ?? 1);
    feeds[name] = new ort.Tensor("float32", data, dims);
  }
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [
      name,
      Array.from(data as Float32Array, Number),
    ]),
  );
}

/** Outputs and gradients of a model at these values; upstream gradients are 1. */
export async function gradientsOf(
  proto: ModelProto,
  values: Numbers = {},
  options: DifferentiateOptions = {},
): Promise<Record<string, number[]>> {
  const derived = differentiate(await resolved(proto), options);
  return await evaluate(derived, values);
}
