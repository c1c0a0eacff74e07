import { create } from "@bufbuild/protobuf";
import type { GraphProto, ModelProto, NodeProto, TensorProto } from "../model/onnx-messages.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../model/onnx-schema.ts";
import {
  dataTypeToProto,
  elementCount,
  type DataType,
  type TensorType,
} from "../model/data-type.ts";
import { inlineLimit, Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";
import type { Probe } from "./probe.ts";
import type { ResolveContext } from "./resolve-context.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";

/** Computed constants above this size stay computed in the graph. */
const foldLimit = 1 << 16;

/** Integers are indices and sizes, which rules may ask for. */
const integers = new Set<DataType>(["int64", "int32"]);

/** Operators whose result is not a function of their inputs. */
const random = new Set([
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/**
 * Replaces what depends on shapes and constants alone by initializers, computed by the runtime. What is
 * made of weights that are references (a Cast of them, a transposed or dequantized copy) stays computed:
 * a derived graph holds no copy of them.
 *
 * @returns whether it found any
 */
export async function foldConstants(
  model: Model,
  { types, probe }: ResolveContext,
): Promise<boolean> {
  const { graph } = model;
  const known = new Map<string, TensorProto>();
  for (const node of graph.node) {
    const shape =
      node.opType === "Shape" && node.domain === "" ? shapeConstant(node, types, graph) : undefined;
    if (shape !== undefined) {
      known.set(shape.name, shape);
    }
  }
  const constant = new Set([...graph.initializer.map((t) => t.name), ...known.keys()]);
  const weights = new Set(
    graph.initializer.filter((t) => t.dataLocation === 1).map((tensor) => tensor.name),
  );
  const computed: NodeProto[] = [];
  for (const node of graph.node) {
    const hasSubgraph = node.attribute.some((a) => a.g !== undefined || a.graphs.length > 0);
    if (
      !random.has(node.opType) &&
      !hasSubgraph &&
      !probe.isDeferred(node) &&
      !node.output.some((name) => known.has(name)) &&
      node.input.every((name) => name === "" || constant.has(name))
    ) {
      computed.push(node);
      const isWeight = node.input.some((name) => weights.has(name));
      for (const name of node.output) {
        constant.add(name);
        if (isWeight) {
          weights.add(name);
        }
      }
    }
  }
  const inner = new Set(computed);
  const readOutside = new Set([
    ...graph.node.filter((node) => !inner.has(node)).flatMap((node) => inputsOf(node)),
    ...graph.output.map((output) => output.name),
  ]);
  const wanted = computed
    .flatMap((node) => node.output)
    .filter((name) => {
      const type = types.get(name);
      return (
        readOutside.has(name) &&
        type !== undefined &&
        type.dtype !== "string" &&
        elementCount(type.dims) <= foldLimit &&
        (!weights.has(name) ||
          integers.has(type.dtype) ||
          elementCount(type.dims) * 4 < inlineLimit)
      );
    });
  for (const tensor of await evaluate(model, computed, [...known.values()], wanted, probe)) {
    known.set(tensor.name, tensor);
  }
  if (known.size === 0) {
    return false;
  }
  const outputs = new Set(graph.output.map((output) => output.name));
  graph.node = graph.node.filter(
    (node) => !node.output.every((name) => name === "" || (known.has(name) && !outputs.has(name))),
  );
  const stillMade = new Set(graph.node.flatMap((node) => node.output));
  for (const [name, tensor] of known) {
    if (!stillMade.has(name)) {
      graph.initializer.push(tensor);
    }
  }
  sortTopologically(graph);
  return true;
}

function shapeConstant(
  node: NodeProto,
  types: ReadonlyMap<string, TensorType>,
  graph: GraphProto,
): TensorProto | undefined {
  const [input = ""] = node.input;
  const dims =
    types.get(input)?.dims ?? graph.initializer.find((t) => t.name === input)?.dims.map(Number);
  if (dims === undefined) {
    return undefined;
  }
  const bound = (name: string, fallback: number) =>
    Number(node.attribute.find((a) => a.name === name)?.i ?? fallback);
  const part = dims.slice(bound("start", 0), bound("end", dims.length));
  return makeTensor(node.output[0] as string, "int64", [part.length], part);
}

async function evaluate(
  model: Model,
  nodes: readonly NodeProto[],
  shapes: readonly TensorProto[],
  wanted: readonly string[],
  probe: Probe,
): Promise<TensorProto[]> {
  if (wanted.length === 0) {
    return [];
  }
  const proto: ModelProto = create(ModelProtoSchema, {
    ...model.proto,
    graph: create(GraphProtoSchema, {
      name: "constants",
      node: [...nodes],
      initializer: [...model.graph.initializer, ...shapes],
      output: wanted.map((name) => create(ValueInfoProtoSchema, { name })),
    }),
  });
  sortTopologically(proto.graph as GraphProto);
  const session = await probe.open(new Model(proto, model.files));
  try {
    const results = await session.run({});
    return wanted.map((name) => {
      const { type, dims, data } = results[name] as (typeof results)[string];
      const { buffer, byteOffset, byteLength } = data as Exclude<typeof data, string[]>;
      return create(TensorProtoSchema, {
        name,
        dataType: dataTypeToProto(type as DataType),
        dims: dims.map(BigInt),
        rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice(),
      });
    });
  } finally {
    await session.release();
  }
}
