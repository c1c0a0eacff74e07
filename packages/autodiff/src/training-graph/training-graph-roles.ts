import type { GraphProto } from "../model/onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import type { DeclaredInput, Model } from "../model/model.ts";

/** A value of the model that is attacked: the training graph has to have its counterpart. */
export interface ExpectedValue {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Which value of a training graph is which. */
export interface TrainingGraphRoles {
  readonly image: string;
  /** The value that the upstream gradient belongs to. */
  readonly scores: string;
  /** Gradient of the scores: a graph input, an initializer or an inner value. */
  readonly upstream: string;
  /** Gradient of the image. */
  readonly gradient: string;
}

/** What {@link findRoles} is told. */
export interface RoleOptions {
  readonly image: ExpectedValue;
  readonly scores: ExpectedValue;
  readonly gradientOutput?: string | undefined;
  readonly upstreamInput?: string | undefined;
}

/**
 * Finds image, scores and their gradients: by the names given, then by the names of the model with
 * `_grad` behind them, then by dims where only one value has them.
 *
 * @throws AutodiffError `ERR_TRAINING_GRAPH` saying what is missing, what there is, and how to name it
 */
export function findRoles(model: Model, options: RoleOptions): TrainingGraphRoles {
  const values = new GraphValues(model);
  const image = findImage(values, options);
  const scores = findScores(values, options, image);
  const upstream = findUpstream(values, options, image, scores);
  const gradient = findGradient(values, options, image, [scores, upstream]);
  return { image, scores, upstream, gradient };
}

function findImage(values: GraphValues, { image, upstreamInput }: RoleOptions): string {
  const candidates = values.inputs.filter(
    ({ name, dims }) => name !== upstreamInput && fits(dims, image.dims),
  );
  const found =
    candidates.find(({ name }) => name === image.name) ??
    only(candidates) ??
    only(candidates.filter(({ name }) => !isGradientName(name)));
  if (found === undefined) {
    throw values.error(
      `no input (or more than one) that takes the image '${image.name}' [${image.dims.join(", ")}]`,
      "Build it for these dims, and give its image input the model's name.",
    );
  }
  return found.name;
}

function findScores(values: GraphValues, { scores, ...rest }: RoleOptions, image: string): string {
  if (values.isComputed(scores.name)) {
    return scores.name;
  }
  const candidates = values.outputs.filter(
    ({ name, dims }) =>
      fits(dims, scores.dims) &&
      name !== rest.gradientOutput &&
      name !== `${image}_grad` &&
      name !== `${rest.image.name}_grad`,
  );
  const found = only(candidates) ?? only(candidates.filter(({ name }) => !isGradientName(name)));
  if (found === undefined) {
    throw values.error(
      `no value for the scores '${scores.name}' [${scores.dims.join(", ")}]`,
      "Make it an output under this name. If the graph begins at another value of the model, choose that with `scores`.",
    );
  }
  return found.name;
}

function findUpstream(
  values: GraphValues,
  { upstreamInput, scores }: RoleOptions,
  image: string,
  ownScores: string,
): string {
  if (upstreamInput !== undefined) {
    return values.named(upstreamInput, "`upstreamInput`");
  }
  const byName = [`${ownScores}_grad`, `${scores.name}_grad`].find((name) => values.has(name));
  if (byName !== undefined) {
    return byName;
  }
  const others = values.inputs.filter(({ name }) => name !== image);
  const found = only(others.filter(({ dims }) => fits(dims, scores.dims)));
  if (found === undefined) {
    const loss = values.graph.node.find(({ opType }) => /Loss|CrossEntropy/.test(opType));
    throw values.error(
      `no gradient of the scores ('${ownScores}_grad') to begin from`,
      `${loss === undefined ? "" : `Its loss (${loss.opType}) has to give way to the attack's own. `}Name the value (input, initializer or inner value) that holds the gradient of '${ownScores}' with \`upstreamInput\`.`,
    );
  }
  return found.name;
}

function findGradient(
  values: GraphValues,
  { gradientOutput, image }: RoleOptions,
  ownImage: string,
  taken: readonly string[],
): string {
  if (gradientOutput !== undefined) {
    return values.named(gradientOutput, "`gradientOutput`");
  }
  const byName = [`${ownImage}_grad`, `${image.name}_grad`].find((name) => values.isComputed(name));
  if (byName !== undefined) {
    return byName;
  }
  const found = only(
    values.outputs.filter(({ name, dims }) => !taken.includes(name) && fits(dims, image.dims)),
  );
  if (found === undefined) {
    throw values.error(
      `no gradient of the image ('${ownImage}_grad' [${image.dims.join(", ")}])`,
      "Name the output that holds it with `gradientOutput`.",
    );
  }
  return found.name;
}

class GraphValues {
  readonly graph: GraphProto;
  readonly inputs: readonly DeclaredInput[];
  readonly outputs: readonly Pick<DeclaredInput, "name" | "dims">[];
  readonly #computed: ReadonlySet<string>;
  readonly #given: ReadonlySet<string>;

  constructor(model: Model) {
    const { graph } = model;
    this.graph = graph;
    this.inputs = model.declaredInputs();
    this.outputs = graph.output.map(({ name, type }) => {
      const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
      const dims = tensor?.shape?.dim.map(({ value }) =>
        value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
      );
      return { name, dims };
    });
    this.#computed = new Set(graph.node.flatMap((node) => node.output));
    this.#given = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  }

  isComputed(name: string): boolean {
    return this.#computed.has(name);
  }

  has(name: string): boolean {
    return this.#computed.has(name) || this.#given.has(name);
  }

  named(name: string, option: string): string {
    if (!this.has(name)) {
      throw this.error(`no value '${name}'`, `Correct ${option}.`);
    }
    return name;
  }

  error(found: string, wayOut: string): AutodiffError {
    const list = (values: GraphValues["outputs"]) =>
      values
        .map(({ name, dims }) => `'${name}' [${dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`)
        .join(", ") || "none";
    return new AutodiffError(
      "ERR_TRAINING_GRAPH",
      `Expected a training graph of the model but it has ${found}. Its inputs are ${list(this.inputs)}, its outputs ${list(this.outputs)}. ${wayOut}`,
    );
  }
}

function isGradientName(name: string): boolean {
  return name.endsWith("_grad");
}

/** Whether declared dims, dynamic ones included, can be these. */
function fits(declared: DeclaredInput["dims"], dims: readonly number[]): boolean {
  return (
    declared === undefined ||
    (declared.length === dims.length && declared.every((d, i) => d === undefined || d === dims[i]))
  );
}

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
