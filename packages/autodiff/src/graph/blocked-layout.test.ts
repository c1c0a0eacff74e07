import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { NodeProtoSchema } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { differentiate } from "../reverse-mode/differentiate.ts";
import { readModel } from "../model/read-model.ts";
import { writeModel } from "../model/write-model.ts";
import { resolve } from "../resolve/resolve.ts";
import { makeAttributes } from "./attribute.ts";
import { isBlocked } from "./blocked-layout.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { Target } from "./target.ts";
import type { Value } from "./value.ts";

/** How many networks are compared. */
const runs = Number(process.env["RANDOM_NETS"] ?? 40);

const layers = [
  "conv",
  "valid conv",
  "wide conv",
  "Relu",
  "MaxPool",
  "overlapping MaxPool",
  "ConvTranspose",
  "Concat",
  "crop",
  "Pad",
  "Resize",
  "Add",
] as const;
type Layer = (typeof layers)[number];

/** Small multiples of 1/4, many of them equal: sums are exact, and windows have ties. */
const exact = (count: number, seed: number): number[] => {
  let state = seed + 1;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return ((state % 5) - 2) / 4;
  });
};

/** The next value, or the same one where the layer does not fit. */
function append(b: GraphBuilder, values: readonly Value[], layer: Layer, seed: number): Value {
  const x = values.at(-1) as Value;
  const [n, channels, height, width] = x.dims as [number, number, number, number];
  const conv = (outputs: number, pad: number) => {
    const dims = [outputs, channels, 3, 3];
    const w = b.constant("float32", dims, exact(outputs * channels * 9, seed).map(sparse));
    const bias = b.constant("float32", [outputs], exact(outputs, seed + 1));
    const attributes = { kernel_shape: [3, 3], pads: [pad, pad, pad, pad], group: 1 };
    return b.op("Conv", seed % 2 ? [x, w, bias] : [x, w], attributes);
  };
  const like = (opType: string, attributes: Parameters<typeof makeAttributes>[0]) =>
    create(NodeProtoSchema, { opType, attribute: makeAttributes(attributes) });
  const partner = values.findLast(
    (value) => value !== x && value.dims.slice(2).join() === x.dims.slice(2).join(),
  );
  switch (layer) {
    case "conv":
      return conv(16, 1);
    case "valid conv":
      return Math.min(height, width) < 3 ? x : conv(16, 0);
    case "wide conv":
      return conv(32, 1);
    case "Relu":
      return b.op("Relu", [x]);
    case "MaxPool":
      return Math.min(height, width) < 2
        ? x
        : b.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
    case "overlapping MaxPool":
      return b.op("MaxPool", [x], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      });
    case "ConvTranspose": {
      const w = b.constant("float32", [channels, 16, 2, 2], exact(channels * 64, seed).map(sparse));
      return Math.max(height, width) > 12
        ? x
        : b.op("ConvTranspose", [x, w], { kernel_shape: [2, 2], strides: [2, 2], group: 1 });
    }
    case "Concat":
      return partner === undefined || channels > 32 ? x : b.op("Concat", [partner, x], { axis: 1 });
    case "crop":
      return Math.min(height, width) < 4 ? x : b.slice(x, [2, 3], [1, 1], [height - 1, width - 1]);
    case "Pad":
      return b.pad(x, [0, 0, 1, 0, 0, 0, 0, 2]);
    case "Resize":
      return Math.max(height, width) > 12
        ? x
        : b.opLike(
            like("Resize", {
              mode: "nearest",
              coordinate_transformation_mode: "asymmetric",
              nearest_mode: "floor",
            }),
            [x, b.constant("float32", [0], []), b.constant("float32", [4], [1, 1, 2, 2])],
            [n, channels, 2 * height, 2 * width],
          );
    case "Add": {
      const other = partner?.dims[1] === channels ? partner : x;
      return b.op("Add", [x, other]);
    }
  }
}

/** Most weights are zero, so that values stay small enough to be exact. */
const sparse = (weight: number, i: number): number => (i % 7 === 0 ? weight : 0);

function network(sequence: readonly Layer[], seed: number): Uint8Array {
  const b = GraphBuilder.empty();
  const values: Value[] = [b.input("image", { dtype: "float32", dims: [1, 16, 8, 8] })];
  sequence.forEach((layer, i) => values.push(append(b, values, layer, seed + i)));
  b.output(b.op("Neg", [values.at(-1) as Value]), "scores");
  return writeModel(b.build().model, "embed").bytes;
}

async function gradient(bytes: Uint8Array, target: Target, seed: number): Promise<Float32Array> {
  const resolved = await resolve(await readModel(bytes), ort);
  const { model } = differentiate(resolved, { target });
  const session = await ort.InferenceSession.create(writeModel(model, "embed").bytes);
  const dims = resolved.types.get("scores")?.dims as number[];
  const upstream = exact(
    dims.reduce((count, d) => count * d, 1),
    seed,
  );
  // Blocks of four pixels are equal, and the last rows are constant.
  const image = exact(1024, seed).map((v, i) => (i % 64 < 40 ? v : 0.25));
  const { image_grad: found } = await session.run({
    image: new ort.Tensor("float32", image, [1, 16, 8, 8]),
    scores_grad: new ort.Tensor("float32", upstream, dims),
  });
  await session.release();
  return found?.data as Float32Array;
}

async function difference(sequence: readonly Layer[], seed: number): Promise<number> {
  const bytes = network(sequence, seed);
  const [any, cpu] = [await gradient(bytes, "any", seed), await gradient(bytes, "cpu", seed)];
  const largest = any.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const error = any.reduce((max, v, i) => Math.max(max, Math.abs(v - (cpu[i] as number))), 0);
  return error === 0 ? 0 : error / largest;
}

describe("the target cpu", () => {
  it.each([
    [["conv", "Relu", "MaxPool", "conv", "Relu", "ConvTranspose", "Concat", "conv", "Relu"]],
    [["wide conv", "Relu", "MaxPool", "crop", "conv", "Relu", "Resize", "valid conv"]],
    [["conv", "Resize", "crop", "crop"]],
    [["conv", "Pad", "conv", "Relu", "overlapping MaxPool", "valid conv"]],
    [["conv", "Relu", "crop", "conv", "Add", "Relu", "MaxPool"]],
  ] as const)("gives the gradient of any: %j", async (sequence) => {
    expect(await difference(sequence, 3)).toBeLessThan(1e-5);
  });

  it("gives the gradient of any on random networks", async () => {
    const sequences = fc.array(fc.constantFrom(...layers), { minLength: 2, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(sequences, fc.nat(1000), async (sequence, seed) => {
        expect(await difference(["conv", ...sequence], seed)).toBeLessThan(1e-5);
      }),
      { numRuns: runs },
    );
  });
});

describe("isBlocked", () => {
  const start = () => {
    const b = new GraphBuilder(GraphBuilder.empty().build(), "cpu");
    const x = b.input("x", { dtype: "float32", dims: [1, 16, 4, 4] });
    const w = b.constant("float32", [16, 16, 1, 1], exact(256, 1));
    return { b, x, y: b.op("Conv", [x, w], { kernel_shape: [1, 1], group: 1 }) };
  };

  it("follows elementwise operators back to a convolution", () => {
    const { b, x, y } = start();
    expect([x, y].map((value) => isBlocked(b, value))).toEqual([false, true]);
    expect(isBlocked(b, b.op("Relu", [b.op("Add", [x, y])]))).toBe(true);
    expect(isBlocked(b, b.op("Relu", [x]))).toBe(false);
    expect(isBlocked(b, b.op("Neg", [y]))).toBe(false);
    expect(isBlocked(b, b.slice(y, [1], [0], [8]))).toBe(false);
  });

  it("answers at once for values that are shared again and again", () => {
    const { b, x } = start();
    let value = x;
    for (let i = 0; i < 200; i++) {
      value = b.op("Add", [value, value]);
    }
    expect(isBlocked(b, value)).toBe(false);
  });

  it("follows chains of any length", () => {
    const { b, y } = start();
    let value = y;
    for (let i = 0; i < 20_000; i++) {
      value = b.op("Relu", [value]);
    }
    expect(isBlocked(b, value)).toBe(true);
  });
});
