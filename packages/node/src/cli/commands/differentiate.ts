import { dirname, resolve as resolvePath } from "node:path";
import { ort } from "../../onnxruntime.ts";
import {
  differentiate as differentiateModel,
  resolve,
  writeModel,
  type Adaptations,
  type Model,
  type ResolvedModel,
  type Runtime,
} from "@onnx-asma/autodiff";
import { AsmaError } from "@onnx-asma/core";
import { writeFile } from "../../images/write-file.ts";
import { loadModel } from "../../load-model.ts";
import { readModelFile } from "../../read-model-file.ts";
import { checkFileName } from "../check-file-name.ts";
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
  await checkFileName(out, { ending: ".onnx", is: "the training graph", force });
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
  const { derived, labels } = await differentiateScores(model, resolved, flags);
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
    ...(labels !== undefined && { labels }),
    seconds: (performance.now() - start) / 1000,
  };
  const list = (values: typeof result.inputs) =>
    values.map((v) => `${v.name} [${v.dims?.join(", ")}]`).join(", ");
  printResult(json, result, () =>
    [
      `${out}: ${result.nodes} nodes, opset ${result.opset}, ${result.bytes} bytes, in ${result.seconds.toFixed(2)} s`,
      `  inputs   ${list(result.inputs)}`,
      `  outputs  ${list(result.outputs)}`,
      ...(labels === undefined ? [] : [`  scores   '${labels.scores}': the output holds labels`]),
      ...explain(derived.adaptations),
    ].join("\n"),
  );
  return exitCodes.reached;
}

/** Errors of an output without a gradient: it holds integers, or every path passes a decision. */
const isFlat = new Set(["ERR_NO_GRADIENT", "ERR_UNKNOWN_VALUE"]);

/**
 * The training graph of the outputs asked for, or where they hold labels of the scores that an attack would
 * raise, which stand before the argmax or the comparison.
 */
async function differentiateScores(
  model: Model,
  resolved: ResolvedModel,
  flags: DifferentiateFlags,
) {
  const { input: inputs, output: outputs } = flags;
  try {
    return { derived: differentiateModel(resolved, { inputs, outputs }), labels: undefined };
  } catch (error) {
    const isOne = (names: readonly string[] | undefined) => (names ?? [""]).length === 1;
    if (!isFlat.has((error as { code: string }).code) || !isOne(inputs) || !isOne(outputs)) {
      throw error;
    }
    const scores = await scoresBehindLabels(model, flags);
    if (scores === undefined) {
      throw error;
    }
    return {
      derived: differentiateModel(resolved, { inputs, outputs: [scores] }),
      labels: { scores },
    };
  }
}

/** What an attack would take for the scores; `undefined` where it would not take the model. */
async function scoresBehindLabels(
  model: Model,
  { shape, precision, input, output }: DifferentiateFlags,
): Promise<string | undefined> {
  try {
    const loaded = await loadModel(model, {
      preprocessor: false,
      dims: shape,
      precision,
      input: input?.[0],
      output: output?.[0],
    });
    try {
      return (await loaded.describe()).head.scores;
    } finally {
      await loaded.release();
    }
  } catch {
    // The first error says more.
    return undefined;
  }
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
