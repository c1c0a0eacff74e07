import { join } from "node:path";
import * as ort from "onnxruntime-node";
import {
  AutodiffError,
  differentiate,
  resolve,
  UnsupportedOperatorError,
  writeModel,
  type ResolvedModel,
} from "@onnx-asma/autodiff";
import { readModelFile, readNpy } from "@onnx-asma/node";
import type { ZooModel } from "./zoo-entry.ts";

/** What became of one model. */
export interface Measurement {
  readonly model: ZooModel;
  readonly opset: number;
  /** Nodes of the model as it was exported. */
  readonly nodes: number;
  /** Nodes that the derivative adds. */
  readonly gradientNodes?: number;
  /** Of resolve and differentiate together. */
  readonly seconds: number;
  /** Of the derived graph's output: max |ours − float64| / max |float64|, the worse target. */
  readonly forwardError?: number;
  /** Of the gradient, likewise. */
  readonly gradientError?: number;
  /** Of the untouched model's output: not ours to answer for. */
  readonly exportError?: number;
  /** Why ONNX Runtime does not run the model as it was exported. */
  readonly notRunnable?: string;
  /** Why the model was refused. */
  readonly refusal?: string;
}

/**
 * Differentiates one model of the zoo, for both targets, and compares its output and gradient with
 * PyTorch's in float64.
 *
 * @throws whatever is neither a gradient nor a refusal that names its reason
 */
export async function measure(model: ZooModel): Promise<Measurement> {
  const path = join(model.folder, `${model.exporter}.onnx`);
  const read = await readModelFile(path);
  const [image, upstream, output, gradient] = await Promise.all(
    ["image", "upstream", "output", "gradient"].map((name) => tensor(model, name)),
  );
  const base = { model, opset: read.opset, nodes: read.graph.node.length };
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const resolved = await resolve(read, ort);
    const names = { inputs: ["image"], outputs: ["logits"] };
    const derived = differentiate(resolved, { ...names, target: "cpu" });
    const took = seconds();
    const feeds = { image, logits_grad: upstream };
    const results = [
      await run(derived, feeds),
      await run(differentiate(resolved, { ...names, target: "any" }), feeds),
    ];
    // A file of float64 may lack kernels; its float32 form stands for it then, as it does in an attack.
    const original = await run(path, { image } as Feeds).catch(() => results[0] as Results);
    return {
      ...base,
      seconds: took,
      gradientNodes: derived.model.graph.node.length - resolved.model.graph.node.length,
      exportError: difference(original["logits"], output),
      forwardError: worst(results.map((result) => difference(result["logits"], output))),
      gradientError: worst(results.map((result) => difference(result["image_grad"], gradient))),
    };
  } catch (error) {
    const took = seconds();
    if (error instanceof UnsupportedOperatorError) {
      return { ...base, seconds: took, refusal: reasons(error) };
    }
    if (error instanceof AutodiffError && error.code === "ERR_UNKNOWN_TYPE") {
      return { ...base, seconds: took, refusal: error.message };
    }
    if (error instanceof AutodiffError && error.code === "ERR_MODEL_REFUSED") {
      const reason = await run(path, { image: image as ort.Tensor }).then(
        () => undefined,
        (own: unknown) => String(own),
      );
      if (reason !== undefined) {
        return { ...base, seconds: took, notRunnable: reason };
      }
    }
    throw error;
  }
}

type Results = Awaited<ReturnType<ort.InferenceSession["run"]>>;

/** All outputs of a model file or of a derived graph. */
async function run(model: string | ResolvedModel, feeds: Feeds): Promise<Results> {
  const options = { logSeverityLevel: 3 } as const;
  let session: ort.InferenceSession;
  if (typeof model === "string") {
    session = await ort.InferenceSession.create(model, options);
  } else {
    const { bytes, externalData } = writeModel(model.model, "reference");
    session = await ort.InferenceSession.create(bytes, { ...options, externalData });
  }
  try {
    return await session.run(feeds as Record<string, ort.Tensor>);
  } finally {
    await session.release();
  }
}

type Feeds = Readonly<Record<string, ort.Tensor | undefined>>;

/** One of the arrays beside the model. */
async function tensor(model: ZooModel, name: string): Promise<ort.Tensor> {
  const { data, dims } = await readNpy(join(model.folder, `${name}.npy`));
  return new ort.Tensor("float32", data as Float32Array, dims);
}

/** max |found − expected| / max |expected|; infinite where dims differ, NaN where a value is. */
function difference(found: ort.Tensor | undefined, expected: ort.Tensor | undefined): number {
  if (found === undefined || found.dims.join() !== expected?.dims.join()) {
    return Number.POSITIVE_INFINITY;
  }
  const a = found.data as Float32Array;
  const b = expected.data as Float32Array;
  return (
    worst(Array.from(b, (value, i) => Math.abs((a[i] as number) - value))) /
    worst(Array.from(b, Math.abs))
  );
}

/** The largest of non-negative numbers, NaN if one of them is. */
function worst(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** Each operator that was refused, how many nodes, and why. */
function reasons({ nodes }: UnsupportedOperatorError): string {
  const counts = new Map<string, number>();
  for (const { domain, opType, reason } of nodes) {
    // Names differ from node to node.
    const key = `${domain ? `${domain}.` : ""}${opType}: ${reason.replaceAll(/'[^']*'/g, "'…'")}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => (count > 1 ? `${key} (${count}×)` : key)).join("; ");
}
