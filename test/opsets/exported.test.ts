import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { decodeFloats } from "../support/operator-case.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));

const { opsets, tensors } = JSON.parse(read("expected.json").toString()) as {
  readonly opsets: readonly number[];
  readonly tensors: Readonly<
    Record<"image" | "logits" | "logits_grad" | "image_grad", { dims: number[]; data: string }>
  >;
};

it.each(opsets)("gives autograd's gradient of what PyTorch exports for opset %i", async (opset) => {
  const model = await readModel(read(`unet-${opset}.onnx`));
  expect(model.opset).toBe(opset);
  const derived = differentiate(await resolve(model, ort));
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  const feed = ({ dims, data }: (typeof tensors)["image"]) =>
    new ort.Tensor("float32", decodeFloats(data), dims);
  const results = await session.run({
    image: feed(tensors.image),
    logits_grad: feed(tensors.logits_grad),
  });
  for (const name of ["logits", "image_grad"] as const) {
    const expected = decodeFloats(tensors[name].data);
    const found = results[name]?.data as Float32Array;
    const largest = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const error = expected.reduce(
      (max, v, i) => Math.max(max, Math.abs(v - (found[i] as number))),
      0,
    );
    expect(found.length).toBe(expected.length);
    expect(error / largest, name).toBeLessThan(1e-5);
  }
  await session.release();
});
