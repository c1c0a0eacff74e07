import { create } from "@bufbuild/protobuf";
import type { GraphProto } from "../model/onnx-messages.ts";
import { ValueInfoProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import { AutodiffError } from "../errors.ts";
import type { Target } from "../graph/target.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import { sameDims } from "../graph/value.ts";
import type { DataType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";
import type { Runtime, SessionOptions } from "../runtime.ts";
import { cutUpstream } from "./cut-upstream.ts";
import { lowerTrainingOperators } from "./lower-training-operators.ts";
import { findRoles, type ExpectedValue, type TrainingGraphRoles } from "./training-graph-roles.ts";

/** Options of {@link importTrainingGraph}. */
export interface ImportTrainingGraphOptions {
  /** The image input of the model that the graph belongs to. */
  readonly image: ExpectedValue;
  /** The value of the model whose gradient is asked for. */
  readonly scores: ExpectedValue & { readonly dtype: DataType };
  /** The gradient of the image. @default `<image>_grad`, otherwise the only output of its dims */
  readonly gradientOutput?: string | undefined;
  /**
   * The gradient of the scores: an input, an initializer or an inner value, which becomes an input.
   * @default `<scores>_grad`, otherwise the only other input of its dims
   */
  readonly upstreamInput?: string | undefined;
  /** Where the graph will run; the numbers are the same. @default "any" */
  readonly target?: Target | undefined;
  /** Passed to the sessions that tell types. */
  readonly sessionOptions?: SessionOptions | undefined;
}

/** A training graph that was made elsewhere: inputs image and upstream, outputs scores and gradient. */
export interface TrainingGraph extends TrainingGraphRoles {
  /** In standard operators, with all types known. */
  readonly resolved: ResolvedModel;
  /** Operators of ONNX Runtime's training builds that were replaced. */
  readonly lowered: readonly string[];
}

/**
 * Reads a training graph that another tool made: forward and backward in one graph, in standard
 * operators or those of ONNX Runtime's training builds. Whatever seeds its backward part becomes an
 * input; a loss, its labels and gradients of weights are dropped.
 *
 * @param model the file as `readModel` gives it; it is left as it is
 * @throws AutodiffError `ERR_TRAINING_GRAPH` when its parts are not found, do not fit, need further
 *   inputs, or the runtime cannot load it; `ERR_TRAINING_OPERATOR` with all operators without a rule
 */
export async function importTrainingGraph(
  model: Model,
  runtime: Runtime,
  options: ImportTrainingGraphOptions,
): Promise<TrainingGraph> {
  const { image, scores } = options;
  const proto = copyMessage(model.proto);
  const graph = proto.graph as GraphProto;
  const roles = findRoles(model, options);
  for (const node of graph.node) {
    node.domain = node.domain === "ai.onnx" ? "" : node.domain;
    node.name ||= `${node.opType}_${node.output[0]}`;
  }
  cutUpstream(graph, { name: roles.upstream, dtype: scores.dtype, dims: scores.dims });
  graph.output = [roles.scores, roles.gradient].map((name) =>
    create(ValueInfoProtoSchema, { name }),
  );
  sortTopologically(graph);
  dropUnusedInputs(graph, roles);
  const used = new Set(graph.node.map(({ domain }) => domain));
  proto.opsetImport = proto.opsetImport.filter(
    ({ domain }) => domain === "" || domain === "ai.onnx" || used.has(domain),
  );
  const { resolved, outputs, lowered } = await lower(
    new Model(proto, model.files),
    runtime,
    roles,
    options,
  );
  const [ownScores, gradient] = outputs as [string, string];
  for (const [name, expected] of [
    [ownScores, scores.dims],
    [gradient, image.dims],
  ] as const) {
    const dims = resolved.types.get(name)?.dims;
    if (dims === undefined || !sameDims(dims, expected)) {
      throw new AutodiffError(
        "ERR_TRAINING_GRAPH",
        `Expected '${name}' of the training graph to have dims [${expected.join(", ")}] but found [${dims?.join(", ") ?? "unknown"}]: build it from the same model with the same dims.`,
      );
    }
  }
  return { ...roles, scores: ownScores, gradient, resolved, lowered };
}

/** @throws AutodiffError `ERR_TRAINING_GRAPH` when anything besides image and upstream is needed */
function dropUnusedInputs(
  graph: GraphProto,
  { image, upstream, gradient }: TrainingGraphRoles,
): void {
  const read = new Set(graph.node.flatMap((node) => inputsOf(node)));
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  graph.input = graph.input.filter(({ name }) => read.has(name) && !initializers.has(name));
  const names = graph.input.map(({ name }) => name);
  const others = names.filter((name) => name !== image && name !== upstream);
  const missing = [image, upstream].filter((name) => !names.includes(name));
  if (missing.length > 0 || others.length > 0) {
    const quoted = (list: readonly string[]) => list.map((name) => `'${name}'`).join(", ");
    throw new AutodiffError(
      "ERR_TRAINING_GRAPH",
      missing.length > 0
        ? `Expected '${gradient}' of the training graph to depend on '${image}' and '${upstream}' but ${quoted(missing)} does not bear on it: name the right values with \`gradientOutput\` and \`upstreamInput\`.`
        : `Expected a training graph that needs the image and one upstream gradient but it also needs ${quoted(others)}: if '${upstream}' is not the gradient of the scores, name it with \`upstreamInput\`; otherwise build the graph with the others fixed.`,
    );
  }
}

async function lower(
  model: Model,
  runtime: Runtime,
  { image, upstream }: TrainingGraphRoles,
  options: ImportTrainingGraphOptions,
) {
  try {
    return await lowerTrainingOperators(model, runtime, {
      dims: { [image]: options.image.dims, [upstream]: options.scores.dims },
      sessionOptions: options.sessionOptions ?? {},
      target: options.target,
    });
  } catch (cause) {
    if (
      cause instanceof AutodiffError &&
      ["ERR_MODEL_REFUSED", "ERR_INPUT_DIMS", "ERR_UNKNOWN_TYPE"].includes(cause.code)
    ) {
      throw new AutodiffError(
        "ERR_TRAINING_GRAPH",
        `The training graph does not load for an image of dims [${options.image.dims.join(", ")}]: ${cause.message}`,
        { cause },
      );
    }
    throw cause;
  }
}
