import {
  GraphBuilder,
  writeForOutput,
  writeModel,
  type DataType,
  type Model,
  type ResolvedModel,
  type Runtime,
  type WrittenModel,
} from "@onnx-asma/autodiff";
import { openSession } from "../open-session.ts";
import type { Decision } from "./decision.ts";

/**
 * What stands in for a model whose own file the runtime cannot run, since it has no kernels for its
 * float type; a decision says so. `undefined` when the file runs.
 */
export async function substituteFor(
  original: Model,
  resolved: ResolvedModel,
  runtime: Runtime,
  input: DataType,
  decisions: Decision[],
): Promise<ResolvedModel | undefined> {
  const { floats } = resolved.adaptations;
  const isRunnable =
    !floats.includes("float64") &&
    (!floats.includes("bfloat16") ||
      (input !== "bfloat16" && (await isLoadable(original, runtime))));
  if (isRunnable) {
    return undefined;
  }
  decisions.push({
    what: "verdict",
    is: "by the model in float32, not by the file itself",
    because: `ONNX Runtime cannot run it in ${floats.join(", ")}`,
    options: [],
    wayOut: "a model exported in float32",
  });
  return resolved;
}

/** The original, or what stands in for it, with `output` among its outputs. */
export function writePredictor(
  original: Model,
  substitute: ResolvedModel | undefined,
  output: string,
): WrittenModel {
  if (substitute === undefined) {
    return writeForOutput(original, output);
  }
  const b = new GraphBuilder(substitute);
  if (!b.graph.output.some(({ name }) => name === output)) {
    b.output(b.value(output));
  }
  return writeModel(b.build().model, "reference");
}

async function isLoadable(model: Model, runtime: Runtime): Promise<boolean> {
  const [name = ""] = model.graph.output.map((output) => output.name);
  try {
    const written = writeForOutput(model, name);
    await (await openSession(runtime, written, undefined, "the model")).release();
    return true;
  } catch {
    return false;
  }
}
