import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, GraphBuilder, readModel, resolve, writeModel } from "@onnx-asma/autodiff";

/** A small U-Net with everything whose signature changed between opsets: Split, Pad, Slice, reductions, Resize. */
function unet(opset: number): Uint8Array {
  const b = GraphBuilder.empty(opset);
  const x = b.input("image", { dtype: "float32", dims: [1, 3, 12, 12] });
  let seed = 1;
  const random = (count: number) =>
    Array.from({ length: count }, () => {
      seed = (seed * 16807) % 2147483647;
      return (seed / 2147483647 - 0.5) * 0.8;
    });
  const conv = (input: typeof x, channels: number) => {
    const [inputs] = input.dims.slice(1) as [number];
    const w = b.constant("float32", [channels, inputs, 3, 3], random(channels * inputs * 9));
    return b.op("Relu", [
      b.op("Conv", [input, w], { group: 1, kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    ]);
  };
  const skip = conv(x, 4);
  const [left, right] = b.split(skip, 1, [2, 2]) as [typeof x, typeof x];
  const deep = conv(
    b.op("MaxPool", [b.op("Add", [left, right])], { kernel_shape: [2, 2], strides: [2, 2] }),
    6,
  );
  const w = b.constant("float32", [6, 4, 2, 2], random(96));
  const up = b.op("ConvTranspose", [deep, w], { group: 1, kernel_shape: [2, 2], strides: [2, 2] });
  const cropped = b.slice(b.pad(skip, [0, 0, 1, 1, 0, 0, 1, 1]), [2, 3], [1, 1], [13, 13]);
  const joined = b.op("Concat", [cropped, up], { axis: 1 });
  const gate = b.op("Sigmoid", [b.reduce("ReduceMean", joined, [2, 3])]);
  b.output(conv(b.op("Mul", [joined, gate]), 2), "logits");
  return writeModel(b.build().model, "embed").bytes;
}

it("gives one gradient whatever the opset", async () => {
  const image = Float32Array.from({ length: 432 }, (_, i) => Math.sin(i * i));
  const upstream = Float32Array.from({ length: 288 }, (_, i) => Math.cos(3 * i));
  let reference: Float32Array | undefined;
  for (const opset of [17, 18, 19, 20, 21, 22, 23]) {
    const resolved = await resolve(await readModel(unet(opset)), ort);
    expect(resolved.model.opset).toBe(Math.min(opset, 21));
    const derived = differentiate(resolved);
    const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
    const { image_grad: gradient } = await session.run({
      image: new ort.Tensor("float32", image, [1, 3, 12, 12]),
      logits_grad: new ort.Tensor("float32", upstream, [1, 2, 12, 12]),
    });
    const found = gradient?.data as Float32Array;
    reference ??= found;
    const expected = reference;
    const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const error = found.reduce(
      (max, v, i) => Math.max(max, Math.abs(v - (expected[i] as number))),
      0,
    );
    expect(scale).toBeGreaterThan(0.01);
    expect(error / scale, `opset ${opset}`).toBeLessThan(1e-5);
    await session.release();
  }
});
