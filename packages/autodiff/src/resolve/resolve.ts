import type { GraphProto } from "../model/onnx-messages.ts";
import { copyMessage } from "../model/copy-message.ts";
import { AutodiffError } from "../errors.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { neededInputs } from "../graph/needed-inputs.ts";
import { namesOf } from "../graph/names-of.ts";
import { isQuantization } from "../graph/quantization.ts";
import { ResolvedModel } from "../graph/resolved-model.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";
import { isFloat, type DataType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { carryIntegersAsFloats } from "../passes/carry-integers-as-floats.ts";
import { compressToGather } from "../passes/compress-to-gather.ts";
import { constantsToInitializers } from "../passes/constants-to-initializers.ts";
import { convertFloats } from "../passes/convert-floats.ts";
import { dropCeilMode } from "../passes/drop-ceil-mode.ts";
import { expandNewerOperators } from "../passes/expand-newer-operators.ts";
import { inlineBranches } from "../passes/inline-branches.ts";
import { inlineFunctions } from "../passes/inline-functions.ts";
import { lowerOpset } from "../passes/lower-opset.ts";
import type { Pass, PassContext } from "../passes/pass.ts";
import { raiseOpset } from "../passes/raise-opset.ts";
import { standardizeQuantization } from "../passes/standardize-quantization.ts";
import { unfoldQuantizedWeights } from "../passes/unfold-quantized-weights.ts";
import type { Runtime, SessionOptions } from "../runtime.ts";
import { confirmScalars } from "./confirm-scalars.ts";
import { expandDeferred } from "./expand-deferred.ts";
import { feedInputs, type Feed } from "./feed-inputs.ts";
import { fixDims, freeDims } from "./fix-dims.ts";
import { foldConstants } from "./fold-constants.ts";
import { Probe } from "./probe.ts";
import type { ResolveContext } from "./resolve-context.ts";
import { typesOf } from "./types-of.ts";

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
  /** Values of inputs that become constants, by name. Inputs that no output needs are dropped as they are. */
  readonly feeds?: Readonly<Record<string, Feed>> | undefined;
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
 *   cannot load the model; `ERR_FEED` when a value does not fit its input; `ERR_OPSET` when its opset is not known here
 */
export async function resolve(
  model: Model,
  runtime: Runtime,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  const proto = copyMessage(model.proto);
  const graph = proto.graph as GraphProto;
  const initializers = new Set(graph.initializer.map((tensor) => tensor.name));
  // Below IR version 4 every initializer is an input as well; it is a constant all the same.
  graph.input = graph.input.filter((input) => !initializers.has(input.name));
  const declared = graph.input.map(({ name }) => name);
  feedInputs(graph, options.feeds ?? {}, options.dims);
  const needed = new Set(neededInputs(new Model(proto, model.files)).map(({ name }) => name));
  graph.input = graph.input.filter(({ name }) => needed.has(name));
  for (const input of graph.input) {
    fixDims(input, options.dims?.[input.name]);
  }
  for (const name of Object.keys(options.dims ?? {})) {
    if (!declared.includes(name)) {
      const names = declared.map((input) => `'${input}'`).join(", ");
      throw new AutodiffError(
        "ERR_INPUT_DIMS",
        `Dims are given for '${name}' but the model's inputs are ${names}: name one of them.`,
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
  const result = new Model(proto, model.files);
  const integerInputs = integerInputsOf(result, options.integerInputs);
  const context: ResolveContext = {
    types: new Map(),
    floatTypes: options.precision === "model" ? new Set() : halves,
    foundFloats: new Set(),
    integerInputs: new Set(Object.keys(integerInputs)),
    probe: new Probe(runtime, options.sessionOptions),
  };
  raiseOpset(result);
  runAll([inlineFunctions, constantsToInitializers, inlineBranches], result, context);
  sortTopologically(graph);
  lowerOpset(result);
  // Floats are made of what gradients cannot flow through.
  runAll([convertFloats, standardizeQuantization, unfoldQuantizedWeights], result, context);
  const quantized = countQuantized(graph);
  carryIntegersAsFloats(result, context);
  sortTopologically(graph);
  await findTypes(result, context);
  expandNewerOperators(result, context);
  const floats = [...context.foundFloats];
  return new ResolvedModel(result, context.types, { floats, integerInputs, quantized });
}

/** Applies passes one after the other; returns whether one changed the model. */
function runAll(passes: readonly Pass[], model: Model, context: PassContext): boolean {
  return passes.map((pass) => pass(model, context)).includes(true);
}

/** Rounds without progress but in dims that became known when shape computations were folded. */
const roundLimit = 3;

/** Asks for types, and transforms the model by what they tell, until neither brings anything new. */
async function findTypes(model: Model, context: ResolveContext): Promise<void> {
  for (let round = 1; ; round++) {
    await askTypes(model, context);
    const isFolded = await foldConstants(model, context);
    // Each leaves fewer branches, or fewer nodes that wait, so that this ends.
    if (inlineBranches(model) || expandDeferred(model, context)) {
      sortTopologically(model.graph);
      round = 0;
      continue;
    }
    const isComplete = model.graph.node.every((node) =>
      node.output.every((name) => name === "" || context.types.has(name)),
    );
    // Dims may differ from what was inferred without these, or be known for the first time.
    const isChanged = runAll([dropCeilMode, compressToGather], model, context);
    if (round < roundLimit && (isChanged || (!isComplete && isFolded))) {
      continue;
    }
    sortTopologically(model.graph);
    await confirmScalars(model, context);
    return;
  }
}

/** Puts the types of a model into the context; one of float64 without kernels for it becomes float32. */
async function askTypes(model: Model, context: ResolveContext): Promise<void> {
  try {
    context.types = await typesOf(model, context.probe);
  } catch (error) {
    const isKept = context.floatTypes.size === 0;
    if (isKept || !convertFloats(model, { ...context, floatTypes: doubles })) {
      throw error;
    }
    context.types = await typesOf(model, context.probe);
  }
}

/** How many activations are quantized. */
function countQuantized(graph: GraphProto): number {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  return graph.node.filter(
    (node) => isQuantization(node, "QuantizeLinear") && !constants.has(node.input[0] ?? ""),
  ).length;
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
