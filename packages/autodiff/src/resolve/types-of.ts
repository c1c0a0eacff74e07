import { create } from "@bufbuild/protobuf";
import { ModelProtoSchema, ValueInfoProtoSchema } from "../model/onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import { isExpandable } from "../expansions/expand-node.ts";
import { dataTypeFromProto, type DataType, type TensorType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import type { Session } from "../runtime.ts";
import type { Probe } from "./probe.ts";
import { withoutWeights } from "./without-weights.ts";

/**
 * dtypes and dims of all that the runtime can tell: of what does not wait for a deferred node.
 *
 * @throws AutodiffError `ERR_MODEL_REFUSED` when it cannot load the model
 */
export async function typesOf(model: Model, probe: Probe): Promise<Map<string, TensorType>> {
  const types = new Map<string, TensorType>();
  for (const input of model.graph.input) {
    const tensor = input.type?.value;
    const dtype = tensor?.case === "tensorType" && dataTypeFromProto(tensor.value.elemType);
    if (tensor?.case === "tensorType" && dtype) {
      const dims = tensor.value.shape?.dim.map((dim) => Number(dim.value.value)) ?? [];
      types.set(input.name, { dtype, dims });
    }
  }
  const session = await openTypeSession(model, probe);
  try {
    for (const metadata of session?.outputMetadata ?? []) {
      if (metadata.isTensor) {
        // Dims that are not known come as names, which may be empty.
        const dims = metadata.shape.filter((d) => typeof d === "number" && d >= 0) as number[];
        if (dims.length === metadata.shape.length) {
          types.set(metadata.name, { dtype: metadata.type as DataType, dims });
        }
      }
    }
  } finally {
    await session?.release();
  }
  return types;
}

/** A session that gives every value which does not wait for a deferred node, if there is one. */
async function openTypeSession(model: Model, probe: Probe): Promise<Session | undefined> {
  const { graph } = model;
  const node = probe.loadable(graph.node);
  if (node.length === 0) {
    return undefined;
  }
  const made = new Set([
    ...node.flatMap((n) => n.output),
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
  ]);
  const declared = graph.output.filter(({ name }) => made.has(name));
  const known = new Set(declared.map((output) => output.name));
  const extra = node
    .flatMap((n) => n.output)
    .filter((name) => name !== "" && !known.has(name))
    .map((name) => create(ValueInfoProtoSchema, { name }));
  const part = create(ModelProtoSchema, {
    ...model.proto,
    graph: { ...graph, node, output: [...declared, ...extra] },
  });
  try {
    return await probe.open(withoutWeights(new Model(part, model.files)));
  } catch (error) {
    const isRefused = error instanceof AutodiffError && error.code === "ERR_MODEL_REFUSED";
    if (!isRefused || probe.refusal !== undefined) {
      throw probe.refusal ?? error;
    }
    if (!node.some(isExpandable)) {
      throw error;
    }
    probe.deferExpandable(error);
    return await openTypeSession(model, probe);
  }
}
