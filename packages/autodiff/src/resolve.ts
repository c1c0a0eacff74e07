import { clone, create } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ValueInfoProto,
} from "onnx-buf";
import { confirmScalars } from "./confirm-scalars.ts";
import { AutodiffError } from "./errors.ts";
import { NameAuthority } from "./graph/name-authority.ts";
import { namesOf } from "./graph/names-of.ts";
import { ResolvedModel, type Adaptations } from "./graph/resolved-model.ts";
import { dataTypeFromProto, isFloat, type DataType, type TensorType } from "./model/data-type.ts";
import { Model } from "./model/model.ts";
import { carryIntegersAsFloats } from "./passes/carry-integers-as-floats.ts";
import { compressToGather } from "./passes/compress-to-gather.ts";
import { constantsToInitializers } from "./passes/constants-to-initializers.ts";
import { convertFloats } from "./passes/convert-floats.ts";
import { dropCeilMode } from "./passes/drop-ceil-mode.ts";
import { expandDeferred } from "./passes/expand-deferred.ts";
import { expandNewerOperators } from "./passes/expand-newer-operators.ts";
import { isExpandable } from "./passes/expand-node.ts";
import { foldConstants } from "./passes/fold-constants.ts";
import { inlineBranches } from "./passes/inline-branches.ts";
import { inlineFunctions } from "./passes/inline-functions.ts";
import { lowerOpset } from "./passes/lower-opset.ts";
import { isQuantization, standardizeQuantization } from "./passes/quantization.ts";
import { sortTopologically } from "./passes/sort-topologically.ts";
import { unfoldQuantizedWeights } from "./passes/unfold-quantized-weights.ts";
import { Probe, withoutWeights } from "./probe-session.ts";
import type { Runtime, Session, SessionOptions } from "./runtime.ts";

/** Float types narrower than float32, for which few kernels exist. */
const halves: ReadonlySet<DataType> = new Set(["float16", "bfloat16"]);
const doubles: ReadonlySet<DataType> = new Set(["float64"]);

/** Options of {@link resolve}. */
export interface ResolveOptions {
  /** Concrete dims by input name; required where the model's own are dynamic. */
  readonly dims?: Readonly<Record<string, readonly number[]>>;
  /**
   * `float32` computes float16 and bfloat16 models in float32, and float64 models too where the runtime
   * has no float64 kernels for them; weights stay where they are. `model` keeps the types of the model.
   * @default "float32"
   */
  readonly precision?: "float32" | "model" | undefined;
  /**
   * Integer graph inputs that become float32, so that they can be differentiated by.
   * @default the integer inputs of three axes or more, when no input is a float
   */
  readonly integerInputs?: readonly string[] | undefined;
  /** Passed to the sessions that answer for dtypes and dims. */
  readonly sessionOptions?: SessionOptions;
}

/**
 * Finds every dtype, every dim and every constant of a model by asking the runtime: a session whose
 * outputs are all intermediate values tells their types, and whatever depends on shapes alone is
 * computed once and becomes an initializer.
 *
 * @returns a model with fixed input dims; the model given is left as it is
 * @throws AutodiffError `ERR_INPUT_DIMS` when an input dim is dynamic and not given, or does not fit;
 *   `ERR_MODEL_CYCLE` when the nodes cannot be put in order; `ERR_MODEL_REFUSED` when the runtime
 *   cannot load the model
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
  const names = new NameAuthority(namesOf(graph));
  graph.node.forEach((node, i) => {
    node.name ||= names.unique(`${node.opType}_${i}`);
    node.domain = node.domain === "ai.onnx" ? "" : node.domain;
  });
  for (const output of graph.output) {
    freeDims(output);
  }
  inlineFunctions(proto);
  constantsToInitializers(graph);
  const result = new Model(proto, model.files);
  inlineBranches(result);
  sortTopologically(graph);
  lowerOpset(proto);
  if (proto.irVersion < 4n) {
    proto.irVersion = 4n;
  }
  const adaptations = adapt(result, options);
  return await findTypes(result, new Probe(runtime, options.sessionOptions), options, adaptations);
}

/** Rounds without progress but in dims that became known when shape computations were folded. */
const roundLimit = 3;

async function findTypes(
  model: Model,
  probe: Probe,
  options: ResolveOptions,
  adaptations: Adaptations,
): Promise<ResolvedModel> {
  let { floats } = adaptations;
  for (let round = 1; ; round++) {
    const { types, ...narrowed } = await typesOrNarrow(model, probe, options);
    floats = [...floats, ...narrowed.floats];
    const isFolded = await foldConstants(model, types, probe);
    // Each leaves fewer branches, or fewer nodes that wait, so that this ends.
    if (inlineBranches(model) || expandDeferred(model, types, probe)) {
      sortTopologically(model.graph);
      round = 0;
      continue;
    }
    const isComplete = model.graph.node.every((node) =>
      node.output.every((name) => name === "" || types.has(name)),
    );
    // Dims may differ from what was inferred without these, or be known for the first time.
    const isChanged = [dropCeilMode(model.graph, types), compressToGather(model)].includes(true);
    if (round < roundLimit && (isChanged || (!isComplete && isFolded))) {
      continue;
    }
    sortTopologically(model.graph);
    await confirmScalars(model, types, probe);
    return expandNewerOperators(new ResolvedModel(model, types, { ...adaptations, floats }));
  }
}

/** Makes floats of what gradients cannot flow through. */
function adapt(model: Model, options: ResolveOptions): Adaptations {
  const { graph, opset } = model;
  const floats = options.precision === "model" ? [] : convertFloats(model, halves);
  const integerInputs = integerInputsOf(model, options.integerInputs);
  standardizeQuantization(graph, opset);
  unfoldQuantizedWeights(graph);
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const quantized = graph.node.filter(
    (node) => isQuantization(node, "QuantizeLinear") && !constants.has(node.input[0] ?? ""),
  ).length;
  carryIntegersAsFloats(graph, new Set(Object.keys(integerInputs)));
  sortTopologically(graph);
  return { floats: [...floats], integerInputs, quantized };
}

function integerInputsOf(
  model: Model,
  given: readonly string[] | undefined,
): Record<string, DataType> {
  const inputs = model.declaredInputs();
  const isInteger = (dtype: DataType | undefined) => /^u?int(8|16|32|64)$/.test(dtype ?? "");
  const chosen =
    given !== undefined || inputs.some(({ dtype }) => dtype !== undefined && isFloat(dtype))
      ? inputs.filter(({ name }) => given?.includes(name))
      : inputs.filter(({ dims }) => (dims?.length ?? 0) >= 3);
  return Object.fromEntries(
    chosen
      .filter(({ dtype }) => isInteger(dtype))
      .map(({ name, dtype }) => [name, dtype as DataType]),
  );
}

/** The types of a model; one of float64 without kernels for it becomes float32. */
async function typesOrNarrow(
  model: Model,
  probe: Probe,
  options: ResolveOptions,
): Promise<{ types: Map<string, TensorType>; floats: readonly DataType[] }> {
  try {
    return { types: await typesOf(model, probe), floats: [] };
  } catch (error) {
    const floats = options.precision === "model" ? [] : [...convertFloats(model, doubles)];
    if (floats.length === 0) {
      throw error;
    }
    return { types: await typesOf(model, probe), floats };
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
        return Number.isSafeInteger(d) && d > 0 && (typeof own !== "number" || own === d);
      }));
  const dims = given ?? declared;
  if (!fits || dims === undefined || dims.some((d) => !Number.isSafeInteger(d))) {
    const wanted = declared === undefined ? "of any rank" : `[${declared.join(", ")}]`;
    const found = given === undefined ? "none are given" : `[${given.join(", ")}] are given`;
    const example = (declared ?? ["1", "3", "H", "W"]).map((d, i) =>
      typeof d === "number" ? d : ([1, 3, 512, 512][i] ?? 1),
    );
    throw new AutodiffError(
      "ERR_INPUT_DIMS",
      `Input '${input.name}' has dims ${wanted}, but ${found}: give concrete ones, for example \`dims: ${JSON.stringify({ [input.name]: example })}\`.`,
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

/** dtypes and dims of all that the runtime can tell: of what does not wait for a deferred node. */
async function typesOf(model: Model, probe: Probe): Promise<Map<string, TensorType>> {
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
