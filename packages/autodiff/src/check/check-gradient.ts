import { create } from "@bufbuild/protobuf";
import { ModelProtoSchema, ValueInfoProtoSchema } from "../model/onnx-schema.ts";
import { differentiate } from "../reverse-mode/differentiate.ts";
import {
  compareWithDifferences,
  type GradientFigure,
  type TensorData,
} from "./finite-differences.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import { Model } from "../model/model.ts";
import { writeModel, type WrittenModel } from "../model/write-model.ts";
import type { GradientRule } from "../rules/gradient-rule.ts";
import type { Runtime, SessionOptions } from "../runtime.ts";

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
  const names = {
    inputs: options.inputs && [...new Set(options.inputs)],
    outputs: options.outputs && [...new Set(options.outputs)],
  };
  const derived = differentiate(resolved, { ...names, target, rules });
  const { inputs, outputs } = namesOf(resolved, derived, names);
  const forward = writeWithOutputs(
    resolved,
    outputs.map(({ name }) => name),
  );
  return await compareWithDifferences(
    {
      runtime,
      backward: { types: derived, written: writeModel(derived.model, "reference") },
      forward: { types: resolved, written: forward },
      inputs,
      outputs,
    },
    { feeds: options.feeds, directions, steps: [step], seed, sessionOptions },
  );
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
export function writeWithOutputs(resolved: ResolvedModel, names: readonly string[]): WrittenModel {
  const { proto, files } = resolved.model;
  const output = names.map((name) => create(ValueInfoProtoSchema, { name }));
  const graph = { ...resolved.model.graph, output };
  return writeModel(new Model(create(ModelProtoSchema, { ...proto, graph }), files), "reference");
}
