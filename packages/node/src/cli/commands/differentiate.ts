import { stat } from "node:fs/promises";
import { dirname, resolve as resolvePath } from "node:path";
import { ort } from "../../onnxruntime.ts";
import {
  differentiate as differentiateModel,
  resolve,
  writeModel,
  type Adaptations,
  type Model,
  type Runtime,
} from "@onnx-asma/autodiff";
import { AsmaError } from "@onnx-asma/core";
import { writeFile } from "../../images/write-file.ts";
import { readModelFile } from "../../read-model-file.ts";
import { exitCodes } from "../exit-codes.ts";
import { printResult } from "../output.ts";

/** Flags of `onnx-asma differentiate`. */
export interface DifferentiateFlags {
  readonly out: string;
  readonly shape?: Record<string, number[]>;
  readonly input?: string[];
  readonly output?: string[];
  readonly weights: "embed" | "reference";
  readonly precision?: "float32" | "model";
  readonly force?: boolean;
  readonly json?: boolean;
}

/**
 * `onnx-asma differentiate MODEL -o OUT.onnx`: writes the training graph, whose inputs are the
 * model's and `<output>_grad`, whose outputs are the model's and `<input>_grad`.
 */
export async function differentiate(path: string, flags: DifferentiateFlags): Promise<number> {
  const { out, force = false, json = false } = flags;
  if (resolvePath(out) === resolvePath(path)) {
    throw new AsmaError(
      "ERR_RESULTS_EXIST",
      `'${out}' is the model itself: choose another file for the result.`,
    );
  }
  if (!force && (await stat(out).catch(() => undefined)) !== undefined) {
    throw new AsmaError(
      "ERR_RESULTS_EXIST",
      `'${out}' exists already: choose another file, or overwrite it with --force.`,
    );
  }
  if (flags.weights === "reference" && resolvePath(dirname(out)) !== resolvePath(dirname(path))) {
    throw new AsmaError(
      "ERR_EXTERNAL_DATA",
      `References to weights stay inside a folder, but '${out}' is not beside '${path}': write it there, or embed the weights.`,
    );
  }
  const start = performance.now();
  const model = await readModelFile(path);
  const resolved = await resolve(model, ort as Runtime, {
    dims: flags.shape,
    precision: flags.precision,
    integerInputs: integerInputsAmong(model, flags.input),
  });
  const derived = differentiateModel(resolved, { inputs: flags.input, outputs: flags.output });
  const { bytes } = writeModel(derived.model, flags.weights);
  await writeFile(out, bytes);
  const { graph } = derived.model;
  const result = {
    model: path,
    out,
    bytes: bytes.length,
    nodes: graph.node.length,
    opset: derived.model.opset,
    inputs: graph.input.map(({ name }) => ({ name, ...derived.types.get(name) })),
    outputs: graph.output.map(({ name }) => ({ name, ...derived.types.get(name) })),
    adaptations: derived.adaptations,
    seconds: (performance.now() - start) / 1000,
  };
  const list = (values: typeof result.inputs) =>
    values.map((v) => `${v.name} [${v.dims?.join(", ")}]`).join(", ");
  printResult(json, result, () =>
    [
      `${out}: ${result.nodes} nodes, opset ${result.opset}, ${result.bytes} bytes, in ${result.seconds.toFixed(2)} s`,
      `  inputs   ${list(result.inputs)}`,
      `  outputs  ${list(result.outputs)}`,
      ...explain(derived.adaptations),
    ].join("\n"),
  );
  return exitCodes.reached;
}

/** The integer inputs that the user wants gradients for; without names, `resolve` decides. */
function integerInputsAmong(model: Model, names: readonly string[] | undefined) {
  const inputs = model.declaredInputs().filter(({ name }) => names?.includes(name));
  return inputs.length === 0 ? undefined : inputs.map(({ name }) => name);
}

function explain({ floats, integerInputs, quantized }: Adaptations): string[] {
  return [
    ...(floats.length > 0 ? [`  float32 instead of the model's ${floats.join(", ")}`] : []),
    ...Object.entries(integerInputs).map(
      ([name, dtype]) => `  '${name}' is float32 here; the model takes ${dtype}`,
    ),
    ...(quantized > 0 ? [`  straight-through gradient at ${quantized} quantized activations`] : []),
  ];
}
