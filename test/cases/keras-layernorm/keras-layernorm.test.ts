import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { readNpy } from "@onnx-asma/node";
import { relativeError, toFloats } from "../../support/operator-graph.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

// tf2onnx writes Keras' LayerNormalization as a BatchNormalization of computed mean and variance.
it("has TensorFlow's gradient through computed statistics", async () => {
  const bytes = readFileSync(pathOf("keras_layernorm_17.onnx"));
  const derived = differentiate(await resolve(await readModel(bytes), ort));
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  const [image, upstream, gradient] = await Promise.all(
    ["image", "upstream", "gradient"].map((name) => readNpy(pathOf(`${name}.npy`))),
  );
  const tensor = (array: typeof image) =>
    new ort.Tensor("float32", toFloats(array?.data), array?.dims ?? []);
  const results = await session.run({ input_1: tensor(image), conv2d_1_grad: tensor(upstream) });
  const found = toFloats(results["input_1_grad"]?.data);
  expect(relativeError(found, toFloats(gradient?.data))).toBeLessThan(1e-5);
  await session.release();
});
