import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from "../model/onnx-schema.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import type { TensorType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import type { ResolveContext } from "./resolve-context.ts";
import { withoutWeights } from "./without-weights.ts";

/** ONNX's own inference gives such an output no shape at all. */
function isScalarGatherND(
  node: NodeProto,
  graph: GraphProto,
  types: ReadonlyMap<string, TensorType>,
): boolean {
  const [data, indices] = node.input.map(
    (name) =>
      types.get(name)?.dims ??
      graph.initializer.find((tensor) => tensor.name === name)?.dims.map(Number),
  );
  return node.opType === "GatherND" && indices?.length === 1 && indices[0] === data?.length;
}

/**
 * Removes the types of values that only look like scalars from the context: the runtime reports a value
 * of unknown rank as one without dims. The shape of a scalar has the known length 0, that of the others
 * has not. The model stays as it is.
 *
 * @returns whether there was one
 */
export async function confirmScalars(
  { proto, graph, files }: Model,
  context: ResolveContext,
): Promise<boolean> {
  const { types, probe } = context;
  const names = new NameAuthority(namesOf(graph));
  const nodes = probe.loadable(graph.node);
  const scalars = nodes
    .filter((node) => !isScalarGatherND(node, graph, types))
    .flatMap((node) => node.output)
    .filter((name) => types.get(name)?.dims.length === 0)
    .map((name) => ({ name, shape: names.unique(`${name}_shape`) }));
  if (scalars.length === 0) {
    return false;
  }
  const shapes = scalars.map(({ name, shape }) =>
    create(NodeProtoSchema, { opType: "Shape", input: [name], output: [shape] }),
  );
  const part = create(ModelProtoSchema, {
    ...proto,
    graph: create(GraphProtoSchema, {
      ...graph,
      node: [...nodes, ...shapes],
      output: scalars.map(({ shape }) => create(ValueInfoProtoSchema, { name: shape })),
    }),
  });
  const session = await probe.open(withoutWeights(new Model(part, files)));
  try {
    const lengths = new Map(
      session.outputMetadata.map((m) => [m.name, m.isTensor ? m.shape[0] : undefined]),
    );
    const others = scalars.filter(({ shape }) => lengths.get(shape) !== 0);
    const unknown = new Set(others.map(({ name }) => name));
    context.types = new Map([...types].filter(([name]) => !unknown.has(name)));
    return unknown.size > 0;
  } finally {
    await session.release();
  }
}
