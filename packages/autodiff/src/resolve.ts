import { clone, create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import { AutodiffError } from "./errors.ts";
import { ResolvedModel } from "./graph/resolved-model.ts";
import {
  dataTypeFromProto,
  dataTypeToProto,
  elementCount,
  type DataType,
  type TensorType,
} from "./model/data-type.ts";
import { Model } from "./model/model.ts";
import { makeTensor } from "./model/tensor.ts";
import { writeModel } from "./model/write-model.ts";
import { constantsToInitializers } from "./passes/constants-to-initializers.ts";
import { dropNeedlessCeilMode } from "./passes/drop-needless-ceil-mode.ts";
import { lowerOpset } from "./passes/lower-opset.ts";
import { sortTopologically } from "./passes/sort-topologically.ts";
import type { Runtime, Session, SessionOptions } from "./runtime.ts";

/** Options of {@link resolve}. */
export interface ResolveOptions {
  /** Concrete dims by input name; required where the model's own are dynamic. */
  readonly dims?: Readonly<Record<string, readonly number[]>>;
  /** Passed to the sessions that answer for dtypes and dims. */
  readonly sessionOptions?: SessionOptions;
}

/** Computed constants above this size stay computed in the graph. */
const foldLimit = 1 << 16;

/**
 * Finds every dtype, every dim and every constant of a model by asking the runtime: a session whose
 * outputs are all intermediate values tells their types, and whatever depends on shapes alone is
 * computed once and becomes an initializer.
 *
 * @returns a model with fixed input dims; the model given is left as it is
 * @throws AutodiffError `ERR_INPUT_DIMS` when an input dim is dynamic and not given, or does not fit;
 *   `ERR_MODEL_REFUSED` when the runtime cannot load the model
 */
export async function resolve(
  model: Model,
  runtime: Runtime,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  const proto = clone(ModelProtoSchema, model.proto);
  const graph = proto.graph as GraphProto;
  const initializers = new Set(graph.initializer.map((tensor) => tensor.name));
  // Below IR version 4 every initializer is an input as well; it is a constant all the same.
  graph.input = graph.input.filter((input) => !initializers.has(input.name));
  for (const input of graph.input) {
    fixDims(input, options.dims?.[input.name]);
  }
  for (const name of Object.keys(options.dims ?? {})) {
    if (!graph.input.some((input) => input.name === name)) {
      const names = graph.input.map((input) => `'${input.name}'`).join(", ");
      throw new AutodiffError(
        "ERR_INPUT_DIMS",
        `Dims are given for '${name}' but the model's inputs are ${names}.`,
      );
    }
  }
  // Scaffolding of the exporters that could contradict the fixed dims.
  graph.valueInfo = [];
  graph.node.forEach((node, i) => {
    node.name ||= `${node.opType}_${i}`;
    node.domain = node.domain === "ai.onnx" ? "" : node.domain;
  });
  for (const output of graph.output) {
    freeDims(output);
  }
  constantsToInitializers(graph);
  lowerOpset(proto);
  const result = new Model(proto, model.files);
  // A second round sees dims that became known when shape computations were folded.
  for (let round = 0; ; round++) {
    const types = await typesOf(result, runtime, options.sessionOptions);
    const folded = await foldConstants(result, types, runtime, options.sessionOptions);
    const isComplete = graph.node.every((node) =>
      node.output.every((name) => name === "" || types.has(name)),
    );
    // Without the mode, dims may differ from what was inferred with it.
    const isChanged = dropNeedlessCeilMode(graph, types);
    if (isChanged && round < 2) {
      continue;
    }
    if (isComplete || !folded || round === 2) {
      sortTopologically(graph);
      return new ResolvedModel(result, types);
    }
  }
}

function fixDims(input: ValueInfoProto, given: readonly number[] | undefined): void {
  const tensor = input.type?.value;
  if (tensor?.case !== "tensorType") {
    return;
  }
  const declared = tensor.value.shape?.dim.map((dim) =>
    dim.value.case === "dimValue" && dim.value.value > 0n
      ? Number(dim.value.value)
      : dim.value.case === "dimParam" && dim.value.value !== ""
        ? dim.value.value
        : "?",
  );
  const fits =
    given === undefined ||
    ((declared === undefined || given.length === declared.length) &&
      given.every((d, i) => {
        const own = declared?.[i];
        return Number.isInteger(d) && d > 0 && (typeof own !== "number" || own === d);
      }));
  const dims = given ?? declared;
  if (!fits || dims === undefined || dims.some((d) => typeof d !== "number")) {
    const wanted = declared === undefined ? "of any rank" : `[${declared.join(", ")}]`;
    const found = given === undefined ? "none are given" : `[${given.join(", ")}] are given`;
    throw new AutodiffError(
      "ERR_INPUT_DIMS",
      `Input '${input.name}' has dims ${wanted}, but ${found}: give concrete ones, for example --shape ${input.name}=${(declared ?? ["1", "3", "H", "W"]).map((d, i) => (typeof d === "number" ? d : (["1", "3", "512", "512"][i] ?? "1"))).join(",")}.`,
      { details: { input: input.name, declared, given } },
    );
  }
  tensor.value.shape = create(TensorShapeProtoSchema, {
    dim: dims.map((d) =>
      create(TensorShapeProto_DimensionSchema, {
        value: { case: "dimValue", value: BigInt(d as number) },
      }),
    ),
  });
}

/** Drops the declared dims of an output: they may be symbolic or hold for other input dims. */
function freeDims(output: ValueInfoProto): void {
  const tensor = output.type?.value;
  if (tensor?.case === "tensorType") {
    tensor.value.shape = undefined;
  }
}

async function typesOf(
  model: Model,
  runtime: Runtime,
  sessionOptions: SessionOptions | undefined,
): Promise<Map<string, TensorType>> {
  const types = new Map<string, TensorType>();
  const graph = model.graph;
  for (const input of graph.input) {
    const tensor = input.type?.value;
    const dtype = tensor?.case === "tensorType" && dataTypeFromProto(tensor.value.elemType);
    if (tensor?.case === "tensorType" && dtype) {
      const dims = tensor.value.shape?.dim.map((dim) => Number(dim.value.value)) ?? [];
      types.set(input.name, { dtype, dims });
    }
  }
  const declared = new Set(graph.output.map((output) => output.name));
  const extra = graph.node
    .flatMap((node) => node.output)
    .filter((name) => name !== "" && !declared.has(name))
    .map((name) => create(ValueInfoProtoSchema, { name }));
  const probe = create(ModelProtoSchema, {
    ...model.proto,
    graph: { ...graph, output: [...graph.output, ...extra] },
  });
  const session = await openSession(new Model(probe, model.files), runtime, sessionOptions);
  try {
    for (const metadata of session.outputMetadata) {
      if (metadata.isTensor) {
        // Dims that are not known come as names, which may be empty.
        const dims = metadata.shape.filter((d) => typeof d === "number" && d >= 0) as number[];
        if (dims.length === metadata.shape.length) {
          types.set(metadata.name, { dtype: metadata.type as DataType, dims });
        }
      }
    }
  } finally {
    await session.release();
  }
  return types;
}

async function openSession(
  model: Model,
  runtime: Runtime,
  sessionOptions: SessionOptions | undefined,
): Promise<Session> {
  const { bytes, externalData } = writeModel(model, "reference");
  try {
    return await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: 3,
      ...sessionOptions,
      externalData,
      // Shapes and constants come from the CPU, wherever the model runs later.
      executionProviders: undefined,
      graphOptimizationLevel: "basic",
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AutodiffError("ERR_MODEL_REFUSED", `ONNX Runtime cannot load the model: ${reason}`, {
      cause,
    });
  }
}

/** Operators whose result is not a function of their inputs. */
const random = new Set([
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/** Replaces what depends on shapes and constants alone by initializers. Returns whether it found any. */
async function foldConstants(
  model: Model,
  types: ReadonlyMap<string, TensorType>,
  runtime: Runtime,
  sessionOptions: SessionOptions | undefined,
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
  const computed: NodeProto[] = [];
  for (const node of graph.node) {
    const hasSubgraph = node.attribute.some((a) => a.g !== undefined || a.graphs.length > 0);
    if (
      !random.has(node.opType) &&
      !hasSubgraph &&
      !node.output.some((name) => known.has(name)) &&
      node.input.every((name) => name === "" || constant.has(name))
    ) {
      computed.push(node);
      node.output.forEach((name) => constant.add(name));
    }
  }
  const inner = new Set(computed);
  const readOutside = new Set([
    ...graph.node.filter((node) => !inner.has(node)).flatMap((node) => node.input),
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
        elementCount(type.dims) <= foldLimit
      );
    });
  for (const tensor of await evaluate(
    model,
    computed,
    [...known.values()],
    wanted,
    runtime,
    sessionOptions,
  )) {
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
  runtime: Runtime,
  sessionOptions: SessionOptions | undefined,
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
  const session = await openSession(new Model(proto, model.files), runtime, sessionOptions);
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
