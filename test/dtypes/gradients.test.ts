import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";

interface Cases {
  readonly image: string;
  readonly upstream: string;
  readonly models: Readonly<Record<string, { readonly logits: string; readonly gradient: string }>>;
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const cases = JSON.parse(readFileSync(path("cases.json"), "utf8")) as Cases;
const decode = (text: string) =>
  new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

/** Largest difference over the largest expected value. */
function relativeError(found: Float32Array, expected: Float32Array): number {
  expect(found).toHaveLength(expected.length);
  const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return (
    found.reduce((max, v, i) => Math.max(max, Math.abs(v - (expected[i] as number))), 0) / scale
  );
}

async function gradientOf(name: string) {
  const resolved = await resolve(await readModel(readFileSync(path(`${name}.onnx`))), ort);
  const derived = differentiate(resolved);
  const { bytes, externalData } = writeModel(derived.model, "reference");
  const session = await ort.InferenceSession.create(bytes, { externalData: [...externalData] });
  const results = await session.run({
    image: new ort.Tensor("float32", decode(cases.image), [1, 3, 16, 16]),
    logits_grad: new ort.Tensor("float32", decode(cases.upstream), [1, 2, 16, 16]),
  });
  await session.release();
  const floats = (output: string) => results[output]?.data as Float32Array;
  return { resolved, derived, logits: floats("logits"), gradient: floats("image_grad") };
}

describe("float types", () => {
  it.each([
    ["float16-legacy", "float16"],
    ["float16-mixed", "float16"],
    ["bfloat16", "bfloat16"],
    ["float64", "float64"],
  ])("%s is differentiated in float32", async (name, dtype) => {
    const { resolved, derived, logits, gradient } = await gradientOf(name);
    const expected = cases.models[name] as Cases["models"][string];
    expect(resolved.adaptations.floats).toEqual([dtype]);
    expect(relativeError(logits, decode(expected.logits))).toBeLessThan(1e-5);
    expect(relativeError(gradient, decode(expected.gradient))).toBeLessThan(1e-4);
    const dtypes = derived.model.graph.node.flatMap(({ output }) =>
      output.map((value) => derived.types.get(value)?.dtype),
    );
    expect(dtypes).not.toContain(dtype);
  });
});

it("weights in float8 and in blocks of 4 bits are constants", async () => {
  const { logits, gradient } = await gradientOf("small-weights");
  const expected = cases.models["small-weights"] as Cases["models"][string];
  expect(relativeError(logits, decode(expected.logits))).toBeLessThan(1e-5);
  expect(relativeError(gradient, decode(expected.gradient))).toBeLessThan(1e-5);
});

describe("quantized models", () => {
  it.each(["qdq-uint8", "qdq-per-channel", "qdq-int16"])(
    "%s has the straight-through gradient",
    async (name) => {
      const { resolved, logits, gradient } = await gradientOf(name);
      const expected = cases.models[name] as Cases["models"][string];
      expect(resolved.adaptations.quantized).toBeGreaterThan(3);
      expect(relativeError(logits, decode(expected.logits))).toBeLessThan(1e-4); // a step of 16 bits may flip
      expect(relativeError(gradient, decode(expected.gradient))).toBeLessThan(1e-4);
    },
  );
});
