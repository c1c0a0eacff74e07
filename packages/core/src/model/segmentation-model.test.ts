import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder, writeModel, type Runtime, type Value } from "@onnx-asma/autodiff";
import { workbenchFor } from "../../../../test/support/workbench-of.ts";
import type { ImageTensor } from "../image.ts";
import type { ModelOptions } from "./model-options.ts";
import { SegmentationModel } from "./segmentation-model.ts";

/** Builds a model from an image input of the given dims. */
function build(
  dims: readonly number[],
  body: (b: GraphBuilder, x: Value) => Record<string, Value>,
): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("image", { dtype: "float32", dims });
  for (const [name, value] of Object.entries(body(b, x))) {
    b.output(value, name);
  }
  return writeModel(b.build().model, "embed").bytes;
}

function conv(b: GraphBuilder, x: Value, outputs: number, bias: readonly number[]): Value {
  const inputs = x.dims[1] as number;
  const w = Array.from({ length: outputs * inputs }, (_, i) => Math.sin(3 * i + 1));
  return b.op(
    "Conv",
    [x, b.constant("float32", [outputs, inputs, 1, 1], w), b.constant("float32", [outputs], bias)],
    { group: 1, kernel_shape: [1, 1] },
  );
}

const dims = [1, 3, 6, 8];
const image: ImageTensor = {
  data: Float32Array.from({ length: 3 * 6 * 8 }, (_, i) => ((i * 53) % 97) / 96),
  dims: [1, 3, 6, 8],
};

async function load(bytes: Uint8Array, options: ModelOptions = {}): Promise<SegmentationModel> {
  return await SegmentationModel.load(ort as Runtime, bytes, [6, 8], options);
}

const heads: Record<string, (b: GraphBuilder, x: Value) => Record<string, Value>> = {
  logits: (b, x) => ({ out: conv(b, x, 3, [0, 0.1, 0.2]) }),
  softmax: (b, x) => ({ out: b.op("Softmax", [conv(b, x, 3, [0, 0.1, 0.2])], { axis: 1 }) }),
  argmax: (b, x) => ({
    out: b.op("ArgMax", [b.op("Softmax", [conv(b, x, 3, [0, 0.1, 0.2])], { axis: 1 })], {
      axis: 1,
      keepdims: 0,
    }),
  }),
  "argmax, cast": (b, x) => ({
    out: b.cast(b.op("ArgMax", [conv(b, x, 3, [0, 0.1, 0.2])], { axis: 1, keepdims: 1 }), "int32"),
  }),
  logit: (b, x) => ({ out: conv(b, x, 1, [-0.4]) }),
  sigmoid: (b, x) => ({ out: b.op("Sigmoid", [conv(b, x, 1, [-0.4])]) }),
  "sigmoid above 0.3": (b, x) => ({
    out: b.cast(
      b.op("Greater", [b.op("Sigmoid", [conv(b, x, 1, [-1.2])]), b.scalar(0.3)]),
      "float32",
    ),
  }),
};

describe.each(Object.entries(heads))("a model that ends in %s", (name, head) => {
  it("predicts in the step graph what the untouched model predicts, and can be attacked", async () => {
    const model = await load(build(dims, head));
    const before = await model.predict(image);
    expect(new Set(before.data).size).toBeGreaterThan(1);
    const bench = workbenchFor(model);
    const target = { ...before, data: before.data.map((label) => (label === 0 ? 1 : 0)) };
    const run = await bench.attack(image, target, {
      levels: 256,
      iterations: 400,
      iouThreshold: 0.6,
      iouDefinition: "mean-all",
    });
    for await (const { step, prediction, image: seen } of run) {
      if (step % 20 === 0) {
        const own = await model.predict(await seen());
        expect([...(await prediction()).data]).toEqual([...own.data]);
      }
    }
    const { best, trajectory } = await run.result;
    expect(best.iou).toBeGreaterThan((trajectory[0]?.iou ?? 1) + 0.2);
    expect(model.description.head.scores === "out").toBe(name === "logits" || name === "logit");
    await bench.release();
    await model.release();
  });
});

it("takes the border of one channel from the model's own comparison", async () => {
  const model = await load(build(dims, heads["sigmoid above 0.3"] as never));
  expect(model.description.head.border).toBeCloseTo(Math.log(0.3 / 0.7), 5);
});

it("takes 0.5 as the border of one channel of probabilities when told so", async () => {
  const clipped = build(dims, (b, x) => ({
    out: b.op("Clip", [conv(b, x, 1, [0.2]), b.scalar(0), b.scalar(1)]),
  }));
  const model = await load(clipped, { outputKind: "probability" });
  expect(model.description.head.border).toBe(0.5);
  expect(new Set((await model.predict(image)).data)).toEqual(new Set([0, 1]));
});

it("understands channels last, in and out", async () => {
  const bytes = build([1, 6, 8, 3], (b, x) => ({
    out: b.transpose(conv(b, b.transpose(x, [0, 3, 1, 2]), 4, [0, 0, 0, 0]), [0, 2, 3, 1]),
  }));
  const model = await load(bytes);
  expect(model.description.preprocessing.layout).toBe("NHWC");
  expect(model.description.head).toMatchObject({ classes: 4, size: [6, 8], layout: "NHWC" });
  const { prediction } = await oneStep(model);
  expect(prediction).toEqual([...(await model.predict(image)).data]);
});

it("takes the axis of the classes from a softmax, whatever the input's layout", async () => {
  const bytes = build(dims, (b, x) => ({
    out: b.op("Softmax", [b.transpose(conv(b, x, 3, [0, 0, 0]), [0, 2, 3, 1])], { axis: 3 }),
  }));
  const model = await load(bytes);
  expect(model.description.head).toMatchObject({ classes: 3, size: [6, 8], layout: "NHWC" });
  expect((await oneStep(model)).prediction).toEqual([...(await model.predict(image)).data]);
});

it("puts range, mean and std into the graph", async () => {
  const bytes = build(dims, heads["logits"] as never);
  const scaled = await load(bytes, { range: [0, 255], mean: [120, 110, 100], std: [60] });
  const byHand = await load(bytes);
  const data = image.data.map((v, i) => (255 * v - [120, 110, 100][Math.floor(i / 48)]!) / 60);
  const session = await ort.InferenceSession.create(bytes);
  const { out } = await session.run({ image: new ort.Tensor("float32", data, dims) });
  const scores = out?.data as Float32Array;
  const expected = Array.from({ length: 48 }, (_, i) => {
    const at = [0, 1, 2].map((c) => scores[c * 48 + i] as number);
    return at.indexOf(Math.max(...at));
  });
  expect([...(await scaled.predict(image)).data]).toEqual(expected);
  expect((await oneStep(scaled)).prediction).toEqual(expected);
  expect([...(await byHand.predict(image)).data]).not.toEqual(expected);
});

it("takes the finest of several outputs", async () => {
  const bytes = build(dims, (b, x) => ({
    coarse: conv(b, b.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] }), 2, [0, 0]),
    fine: conv(b, x, 2, [0, 0]),
    features: b.reshape(x, [1, 144]),
  }));
  expect((await load(bytes)).description.head.output).toBe("fine");
  expect((await load(bytes, { output: "coarse" })).description.grid.kind).toBe("scaled");
});

it("takes an inner value as the output when it is named", async () => {
  const bytes = build(dims, (b, x) => {
    const scores = conv(b, x, 2, [0, 0]);
    return { out: b.op("Neg", [b.op("Identity", [scores], {}, "inner")]) };
  });
  const model = await load(bytes, { output: "inner" });
  expect(model.description.head).toMatchObject({ output: "inner", classes: 2 });
  expect((await oneStep(model)).prediction).toEqual([...(await model.predict(image)).data]);
});

it.each([
  ["a classifier", build(dims, (b, x) => ({ out: b.reshape(x, [1, 144]) })), {}, "ERR_OUTPUT"],
  [
    "an output that is not there",
    build(dims, heads["logits"] as never),
    { output: "no" },
    "ERR_OUTPUT",
  ],
  [
    "an input that is not there",
    build(dims, heads["logits"] as never),
    { input: "no" },
    "ERR_IMAGE_INPUT",
  ],
  [
    "an input of two axes",
    build([1, 9], (b, x) => ({ out: b.op("Neg", [x]) })),
    {},
    "ERR_IMAGE_INPUT",
  ],
  [
    "a value of no input",
    build(dims, heads["logits"] as never),
    { feeds: { other: 1 } },
    "ERR_FEED",
    "'other' is none of 'image'",
  ],
  [
    "a value of the image",
    build(dims, heads["logits"] as never),
    { feeds: { image: 1 } },
    "ERR_FEED",
    "'image' is the image itself",
  ],
  [
    "dims of another rank",
    build(dims, heads["logits"] as never),
    { dims: { image: [1, 3, 6] } },
    "ERR_INPUT_DIMS",
    "those of 'image', [1, 3, 6, 8], in `dims` but found [1, 3, 6]",
  ],
  [
    "dims that contradict fixed ones",
    build(dims, heads["logits"] as never),
    { dims: { image: [2, 3, 6, 8] } },
    "ERR_INPUT_DIMS",
    "found [2, 3, 6, 8]",
  ],
  [
    "a void class without queries",
    build(dims, heads["logits"] as never),
    { voidClass: 0 },
    "ERR_OPTION",
    "'out' holds 3 classes of pixels: leave it out",
  ],
  ["too few class names", build(dims, heads["logits"] as never), { classes: ["a"] }, "ERR_CLASSES"],
])("refuses %s", async (_, bytes, options, code, text = "") => {
  await expect(load(bytes, options)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(text) as string,
  });
});

it.each([
  ["dims", { data: new Float32Array(3), dims: [1, 3, 1, 1] as const }, "ERR_IMAGE_DIMS"],
  ["values", { data: image.data.map((v) => 255 * v), dims: image.dims }, "ERR_IMAGE_RANGE"],
  [
    "values that are not numbers",
    { data: image.data.map(() => Number.NaN), dims: image.dims },
    "ERR_IMAGE_RANGE",
  ],
])("refuses images of other %s", async (_, wrong, code) => {
  const model = await load(build(dims, heads["logits"] as never));
  expect(() => model.checkImage(wrong)).toThrow(expect.objectContaining({ code }));
});

async function oneStep(model: SegmentationModel): Promise<{ prediction: number[] }> {
  const bench = workbenchFor(model);
  const [height, width] = model.description.head.size;
  const target = { data: new Int32Array(height * width).fill(1), dims: [height, width] as const };
  for await (const { prediction } of await bench.attack(image, target, { iterations: 1 })) {
    return { prediction: [...(await prediction()).data] };
  }
  throw new Error("no step");
}
