import { readdirSync, readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { readModel, resolve } from "@onnx-asma/autodiff";
import { evaluate } from "../../../test/support/gradients-of.ts";
import { tinyModel } from "../../../test/support/tiny-model.ts";

const folder = new URL("../examples/", import.meta.url);
const example = async (name: string) => await import(new URL(`${name}.js`, folder).href);

const weights = [0.5, -1, 2, -0.25, 1, 0.75];
/** Two feature maps of a 1×1 convolution, their means, two scores. */
const model = tinyModel({
  inputs: { image: { dims: [1, 1, 2, 2] } },
  constants: {
    w: { dims: [2, 1, 1, 1], data: weights.slice(0, 2) },
    head: { dims: [2, 2], data: weights.slice(2) },
    flat: { dtype: "int64", dims: [2], data: [1, 2] },
  },
  nodes: [
    ["Conv", ["image", "w"], "maps"],
    ["Relu", ["maps"], "features"],
    ["GlobalAveragePool", ["features"], "means"],
    ["Reshape", ["means", "flat"], "pooled"],
    ["MatMul", ["pooled", "head"], "scores"],
  ],
});
const pixels = [1, -2, 3, -4];
const image = new ort.Tensor("float32", Float32Array.from(pixels), [1, 1, 2, 2]);
const [w0, w1, h00, , h10] = weights as [number, number, number, number, number];

it("shows the examples as they are", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const file of readdirSync(folder)) {
    const code = readFileSync(new URL(file, folder), "utf8");
    expect(readme).toContain(`\`\`\`js\n// examples/${file}\n${code}\`\`\``);
  }
});

it("saliency", async () => {
  const { saliency } = await example("saliency");
  const gradient = await saliency(model, image, 0);
  expect(gradient.dims).toEqual([1, 1, 2, 2]);
  // The first map is positive where the pixel is, the second where it is not.
  expect([...gradient.data]).toEqual(pixels.map((v) => (v > 0 ? h00 * w0 : h10 * w1) / 4));
});

it("Grad-CAM", async () => {
  const { gradCam } = await example("grad-cam");
  const cam = await gradCam(model, image, 0, "features");
  expect(cam.dims).toEqual([1, 1, 2, 2]);
  const expected = pixels.map((v) => (h00 * Math.max(0, w0 * v) + h10 * Math.max(0, w1 * v)) / 4);
  expect([...cam.data]).toEqual(expected.map((v) => Math.max(0, v)));
});

it("guided backpropagation", async () => {
  const { guidedBackpropagation } = await example("guided-backpropagation");
  const resolved = await resolve(await readModel(model), ort);
  const derived = guidedBackpropagation(resolved);
  const found = await evaluate(derived, { image: pixels, scores_grad: [-1, 0] });
  // The gradients that arrive at the features are negative.
  expect(found["image_grad"]).toEqual([0, 0, 0, 0]);
  const other = await evaluate(derived, { image: pixels, scores_grad: [1, 0] });
  expect(other["image_grad"]).toEqual(pixels.map((v) => (v > 0 ? h00 * w0 : h10 * w1) / 4));
});
