import { create } from "@bufbuild/protobuf";
import { ModelProtoSchema, ValueInfoProtoSchema } from "onnx-buf";
import type { Tensor } from "onnxruntime-common";
import { differentiate } from "./differentiate.ts";
import { AutodiffError } from "./errors.ts";
import type { ResolvedModel } from "./graph/resolved-model.ts";
import { elementCount, type TensorType } from "./model/data-type.ts";
import { Model } from "./model/model.ts";
import { writeModel, type WrittenModel } from "./model/write-model.ts";
import type { GradientRule } from "./rules/gradient-rule.ts";
import type { Runtime, Session, SessionOptions } from "./runtime.ts";

/** Numbers of a tensor in row-major order, of the dims that the model has for it. */
export type TensorData = ArrayLike<number>;

/** Options of {@link checkGradient}. */
export interface CheckGradientOptions {
  /** Graph inputs to differentiate with respect to. @default the model's first float input */
  readonly inputs?: readonly string[];
  /** Values to differentiate. @default the model's first float output */
  readonly outputs?: readonly string[];
  /**
   * Values of graph inputs, by name. Those left out are random: float ones uniform in [0, 1), as
   * images are, all others zero.
   */
  readonly feeds?: Readonly<Record<string, TensorData>>;
  /** Number of random directions. @default 8 */
  readonly directions?: number;
  /** Half the distance between the two points of a difference, per element. @default 1e-3 */
  readonly step?: number;
  /** Of the random feeds, upstream gradients and directions. @default 1 */
  readonly seed?: number;
  /** Where the derived graph will run; passed to `differentiate`. @default "any" */
  readonly target?: "any" | "cpu";
  /** Rules of your own, passed to `differentiate`. */
  readonly rules?: readonly GradientRule[];
  /** Passed to both sessions. */
  readonly sessionOptions?: SessionOptions;
}

/** What {@link checkGradient} found along one direction. */
export interface GradientFigure {
  /** Counted from 0. */
  readonly direction: number;
  /** The central finite difference. */
  readonly expected: number;
  /** The dot product of the derived gradient and the direction. */
  readonly found: number;
  /**
   * |found − expected| over the largest of |found|, |expected| and ‖gradient‖₂. The last is the
   * standard deviation of the dot product over random directions, so that one that happens to be
   * orthogonal to the gradient does not look like a fault.
   */
  readonly relativeError: number;
}

/**
 * The dot-product test of a model's gradient. For random upstream gradients vᵢ and directions d of
 * entries ±1, ⟨∇f, d⟩ from the derived graph has to be (f(x + hd) − f(x − hd)) / 2h, where
 * f(x) = Σᵢ⟨vᵢ, outputᵢ(x)⟩ is computed by the model itself.
 *
 * A right gradient of a float32 model gives relative errors of about 1e-3; kinks (Relu, MaxPool)
 * within a step of x give more.
 *
 * @returns one figure per direction, and the worst relative error
 * @throws AutodiffError as `differentiate` does, and `ERR_FEED` for inputs that are not float32 or
 *   float64 graph inputs and for feeds of the wrong size
 *
 * @example
 * const resolved = await resolve(await readModel(bytes), ort);
 * const { worst } = await checkGradient(resolved, ort);
 */
export async function checkGradient(
  resolved: ResolvedModel,
  runtime: Runtime,
  options: CheckGradientOptions = {},
): Promise<{ figures: GradientFigure[]; worst: number }> {
  const { directions = 8, step = 1e-3, seed = 1, target, rules, sessionOptions } = options;
  const random = mulberry32(seed);
  const names = {
    inputs: options.inputs && [...new Set(options.inputs)],
    outputs: options.outputs && [...new Set(options.outputs)],
  };
  const derived = differentiate(resolved, { ...names, target, rules });
  const { inputs, outputs } = namesOf(resolved, derived, names);
  const point = new Map<string, number[]>();
  for (const { name } of resolved.model.graph.input) {
    point.set(name, feedOf(resolved, name, options.feeds?.[name], random));
  }
  for (const { name } of inputs) {
    const type = resolved.types.get(name);
    if (!point.has(name) || (type?.dtype !== "float32" && type?.dtype !== "float64")) {
      throw new AutodiffError(
        "ERR_FEED",
        `Expected a graph input of float32 or float64 to move but found '${name}' of ${type?.dtype}: name another input.`,
      );
    }
  }
  for (const { upstream } of outputs) {
    const { dims } = derived.types.get(upstream) as TensorType;
    point.set(
      upstream,
      Array.from({ length: elementCount(dims) }, () => 2 * random() - 1),
    );
  }
  const open = ({ bytes, externalData }: WrittenModel) =>
    runtime.InferenceSession.create(bytes, { ...sessionOptions, externalData });
  const backward = await open(writeModel(derived.model, "reference"));
  const forward = await open(
    writeWithOutputs(
      resolved,
      outputs.map(({ name }) => name),
    ),
  );
  try {
    const gradients = await run(backward, runtime, derived, point);
    const found = inputs.map(({ gradient }) => gradients.get(gradient) as number[]);
    const norm = Math.hypot(...found.map((part) => Math.sqrt(dot(part, part))));
    const objective = async (moved: readonly number[][], sign: number): Promise<number> => {
      const at = new Map(point);
      inputs.forEach(({ name }, i) => {
        const x = point.get(name) as number[];
        const d = moved[i] as number[];
        at.set(
          name,
          x.map((v, k) => v + sign * step * (d[k] as number)),
        );
      });
      const results = await run(forward, runtime, resolved, at);
      return outputs.reduce(
        (sum, { name, upstream }) =>
          sum + dot(results.get(name) as number[], point.get(upstream) as number[]),
        0,
      );
    };
    const figures: GradientFigure[] = [];
    for (let direction = 0; direction < directions; direction++) {
      const d = found.map((part) => part.map(() => (random() < 0.5 ? -1 : 1)));
      const expected = ((await objective(d, 1)) - (await objective(d, -1))) / (2 * step);
      const product = found.reduce((sum, part, i) => sum + dot(part, d[i] as number[]), 0);
      const scale = Math.max(Math.abs(expected), Math.abs(product), norm);
      const difference = Math.abs(product - expected);
      const relativeError = difference === 0 ? 0 : difference / scale;
      figures.push({ direction, expected, found: product, relativeError });
    }
    // NaN if one of them is.
    const worst = Math.max(0, ...figures.map(({ relativeError }) => relativeError));
    return { figures, worst };
  } finally {
    await forward.release();
    await backward.release();
  }
}

/** What `differentiate` appended, in the order that was asked for: names may have got a suffix. */
function namesOf(
  resolved: ResolvedModel,
  derived: ResolvedModel,
  options: Pick<CheckGradientOptions, "inputs" | "outputs">,
): {
  readonly inputs: readonly { readonly name: string; readonly gradient: string }[];
  readonly outputs: readonly { readonly name: string; readonly upstream: string }[];
} {
  const { graph } = derived.model;
  const upstreams = graph.input.slice(resolved.model.graph.input.length);
  const gradients = graph.output.slice(-(options.inputs?.length ?? 1));
  const firstFloat = (values: readonly { readonly name: string }[]) =>
    values.filter(({ name }) => resolved.types.get(name)?.dtype.includes("float")).slice(0, 1);
  const pick = (names: readonly string[] | undefined, values: readonly { name: string }[]) =>
    names ?? firstFloat(values).map(({ name }) => name);
  return {
    inputs: pick(options.inputs, resolved.model.graph.input).map((name, i) => ({
      name,
      gradient: gradients[i]?.name ?? "",
    })),
    outputs: pick(options.outputs, resolved.model.graph.output).map((name, i) => ({
      name,
      upstream: upstreams[i]?.name ?? "",
    })),
  };
}

/** The model itself with these values as its outputs. */
function writeWithOutputs(resolved: ResolvedModel, names: readonly string[]): WrittenModel {
  const { proto, files } = resolved.model;
  const output = names.map((name) => create(ValueInfoProtoSchema, { name }));
  const graph = { ...resolved.model.graph, output };
  return writeModel(new Model(create(ModelProtoSchema, { ...proto, graph }), files), "reference");
}

function feedOf(
  resolved: ResolvedModel,
  name: string,
  given: TensorData | undefined,
  random: () => number,
): number[] {
  const { dtype, dims } = resolved.types.get(name) ?? { dtype: "string", dims: [] };
  const length = elementCount(dims);
  if (!(dtype in arrays) || (given !== undefined && given.length !== length)) {
    throw new AutodiffError(
      "ERR_FEED",
      `Expected ${length} numbers for input '${name}' of ${dtype}[${dims.join(", ")}] but found ${given === undefined ? "a type that has none here" : given.length}.`,
    );
  }
  return Array.from({ length }, (_, i) =>
    given === undefined ? (dtype.startsWith("float") ? random() : 0) : (given[i] as number),
  );
}

const arrays = {
  float32: (numbers: readonly number[]) => Float32Array.from(numbers),
  float64: (numbers: readonly number[]) => Float64Array.from(numbers),
  int64: (numbers: readonly number[]) => BigInt64Array.from(numbers, BigInt),
  int32: (numbers: readonly number[]) => Int32Array.from(numbers),
  uint8: (numbers: readonly number[]) => Uint8Array.from(numbers),
  bool: (numbers: readonly number[]) => Uint8Array.from(numbers),
};

/** Runs a session on the values that its model has as inputs; its outputs as numbers. */
async function run(
  session: Session,
  runtime: Runtime,
  model: ResolvedModel,
  values: ReadonlyMap<string, readonly number[]>,
): Promise<Map<string, number[]>> {
  const feeds: Record<string, Tensor> = {};
  for (const { name } of model.model.graph.input) {
    const { dtype, dims } = model.types.get(name) as TensorType;
    const data = arrays[dtype as keyof typeof arrays](values.get(name) as number[]);
    feeds[name] = new runtime.Tensor(dtype as "float32", data as Float32Array, dims);
  }
  const results = await session.run(feeds);
  const numbers = new Map<string, number[]>();
  for (const [name, tensor] of Object.entries(results)) {
    numbers.set(name, Array.from(tensor.data as Float32Array, Number));
    tensor.dispose();
  }
  return numbers;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
}

/** A small seeded generator of numbers in [0, 1), so that figures repeat. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
