import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { GraphBuilder, Runtime, Value } from "@onnx-asma/autodiff";
import {
  build,
  colouredModel,
  conv,
  headModel,
  multiLabelModel,
  multipleOfFourModel,
  queryModel,
  volumeModel,
  withDynamicDims,
} from "../../../../test/support/segmentation-models.ts";
import { workbenchFor } from "../../../../test/support/workbench-of.ts";
import type { ImageTensor, LabelMap, Size } from "../image.ts";
import { confusionMatrix } from "../metrics/confusion-matrix.ts";
import { iou } from "../metrics/iou.ts";
import type { ModelOptions } from "./model-options.ts";
import { SegmentationModel } from "./segmentation-model.ts";

const noise = (channels: number, size: Size): ImageTensor => ({
  data: Float32Array.from(
    { length: size.reduce((n, d) => n * d, channels) },
    (_, i) => ((i * 53 + i * i) % 97) / 96,
  ),
  dims: [1, channels, ...size],
});

const size: Size = [6, 8];
const dims = [1, 3, 6, 8];
const image = noise(3, size);

async function load(bytes: Uint8Array, options: ModelOptions = {}, of: Size = size) {
  return await SegmentationModel.load(ort as Runtime, bytes, of, options);
}

/** An output of the untouched model, its input prepared by hand. */
async function raw(
  bytes: Uint8Array,
  data: Float32Array,
  inputDims: readonly number[],
  name = "out",
) {
  const session = await ort.InferenceSession.create(bytes);
  const results = await session.run({
    [session.inputNames[0] as string]: new ort.Tensor("float32", data, inputDims),
  });
  await session.release();
  return results[name]?.data as ArrayLike<number>;
}

function largest(scores: ArrayLike<number>, classes: number, pixels: number): number[] {
  return Array.from({ length: pixels }, (_, i) => {
    const at = Array.from({ length: classes }, (__, c) => scores[c * pixels + i] as number);
    return at.indexOf(Math.max(...at));
  });
}

/**
 * Attacks towards the prediction for another image; on the way the step graph has to predict what the
 * untouched model does, and at least half of the wrong pixels have to go.
 */
async function attack(model: SegmentationModel, x: ImageTensor): Promise<LabelMap> {
  const before = await model.predict(x);
  const other = { ...x, data: x.data.map((_, i) => ((i * 31 + i * i * 7) % 89) / 88) };
  const target = await model.predict(other);
  expect(new Set(before.data).size).toBeGreaterThan(1);
  expect([...target.data]).not.toEqual([...before.data]);
  const bench = workbenchFor(model);
  const choice = { levels: 256, iterations: 300, iouThreshold: 0.9 };
  const run = await bench.attack(x, target, { ...choice, iouDefinition: "mean-present" });
  const { classes } = model.description.head;
  for await (const step of run) {
    if (step.step % 20 === 0) {
      const untouched = await model.predict(await step.image());
      expect([...(await step.prediction()).data]).toEqual([...untouched.data]);
      const second = iou(confusionMatrix(untouched, target, classes), "mean-present");
      expect(step.iou).toBeCloseTo(second, 5);
    }
  }
  const { best, trajectory } = await run.result;
  expect(best.wrongPixels).toBeLessThanOrEqual((trajectory[0]?.wrongPixels ?? 0) / 2);
  await bench.release();
  await model.release();
  return before;
}

const last = (b: GraphBuilder, x: Value) => b.transpose(x, [0, 2, 3, 1]);
const first = (b: GraphBuilder, x: Value) => b.transpose(x, [0, 3, 1, 2]);
const three = (b: GraphBuilder, x: Value) => conv(b, x, 3, [0, 0.1, 0.2]);

describe.each<{
  name: string;
  bytes: Uint8Array;
  channels?: number;
  input: string;
  output: string;
}>([
  {
    name: "channels last, in and out",
    bytes: build([1, 6, 8, 3], (b, x) => ({ out: last(b, three(b, first(b, x))) })),
    input: "NHWC",
    output: "NHWC",
  },
  {
    name: "channels last, in only",
    bytes: build([1, 6, 8, 3], (b, x) => ({ out: three(b, first(b, x)) })),
    input: "NHWC",
    output: "NCHW",
  },
  {
    name: "channels last, out only, without a softmax",
    bytes: build(dims, (b, x) => ({ out: last(b, three(b, x)) })),
    input: "NCHW",
    output: "NHWC",
  },
  {
    name: "six channels, last",
    bytes: build([1, 6, 8, 6], (b, x) => ({ out: last(b, three(b, first(b, x))) })),
    channels: 6,
    input: "NHWC",
    output: "NHWC",
  },
  {
    name: "four channels",
    bytes: build([1, 4, 6, 8], (b, x) => ({ out: three(b, x) })),
    channels: 4,
    input: "NCHW",
    output: "NCHW",
  },
  {
    name: "no batch axis",
    bytes: build([3, 6, 8], (b, x) => ({
      out: b.reshape(three(b, b.reshape(x, dims)), [3, 6, 8]),
    })),
    input: "CHW",
    output: "CHW",
  },
  {
    name: "no batch axis, channels last",
    bytes: build([6, 8, 3], (b, x) => ({
      out: b.reshape(last(b, three(b, first(b, b.reshape(x, [1, 6, 8, 3])))), [6, 8, 3]),
    })),
    input: "HWC",
    output: "HWC",
  },
  {
    name: "a fixed batch of 3",
    bytes: build([3, 3, 6, 8], (b, x) => ({ out: three(b, x) })),
    input: "NCHW",
    output: "NCHW",
  },
])("a model with $name", ({ bytes, channels = 3, input, output }) => {
  it("is understood and attacked", async () => {
    const model = await load(bytes);
    expect(model.description.preprocessing.layout).toBe(input);
    expect(model.description.head).toMatchObject({ layout: output, classes: 3, size: [6, 8] });
    expect(model.imageDims).toEqual([1, channels, 6, 8]);
    await attack(model, noise(channels, size));
  });
});

it("gives the first sample of a batch what the image alone would get", async () => {
  const body = (b: GraphBuilder, x: Value) => ({ out: three(b, x) });
  const alone = await load(build(dims, body));
  const inBatch = await load(build([3, 3, 6, 8], body));
  expect([...(await inBatch.predict(image)).data]).toEqual([...(await alone.predict(image)).data]);
  expect(inBatch.description.decisions).toContainEqual(
    expect.objectContaining({ what: "batch", is: expect.stringContaining("3 copies") }),
  );
});

it("takes the number of channels from the weights where the dims do not say", async () => {
  const bytes = withDynamicDims(
    build([1, 5, 6, 8], (b, x) => ({ out: three(b, x) })),
    [0, 1, 2, 3],
  );
  const model = await load(bytes);
  expect(model.imageDims).toEqual([1, 5, 6, 8]);
});

it("obeys the layouts it is told against its own guess", async () => {
  const square = build([1, 3, 3, 3], (b, x) => ({ out: b.op("Neg", [x]) }));
  const model = await load(square, { layout: "NHWC", outputLayout: "NCHW" }, [3, 3]);
  expect(model.description.preprocessing.layout).toBe("NHWC");
  expect(model.description.head.layout).toBe("NCHW");
  await expect(load(square, { layout: "CHW" }, [3, 3])).rejects.toMatchObject({
    code: "ERR_IMAGE_INPUT",
  });
});

const argmax = ["ArgMax", ["scores"], "labels", { axis: 1, keepdims: 1 }] as const;
const int64 = (data: number[], of = [data.length]) => ({ dtype: "int64" as const, dims: of, data });
const scalar = (value: number) => ({ dims: [], data: [value] });

type Ending = Parameters<typeof headModel>[2];
type Constants = Parameters<typeof headModel>[3];
/** Scores of three classes, and what comes after them. */
const ofThree = (ending: Ending, constants?: Constants) =>
  headModel(dims, [0, 0.1, 0.2], ending, constants);
/** One channel of scores, and what comes after it. */
const ofOne = (ending: Ending, constants?: Constants) => headModel(dims, [-0.4], ending, constants);

const coarseLabels: Ending = [
  ["AveragePool", ["scores"], "coarse", { kernel_shape: [2, 2], strides: [2, 2] }],
  ["ArgMax", ["coarse"], "labels", { axis: 1, keepdims: 1 }],
  ["Cast", ["labels"], "float", { to: 1 }],
];
const twice = { dims: [4], data: [1, 1, 2, 2] };

/** Endings of a model, and what they make of its scores. */
const endings: Record<string, { bytes: Uint8Array; one?: number }> = {
  "argmax, cast, squeezed": {
    bytes: ofThree(
      [
        argmax,
        ["Squeeze", ["labels", "axis"], "squeezed"],
        ["Cast", ["squeezed"], "out", { to: 2 }],
      ],
      { axis: int64([1]) },
    ),
  },
  "argmax over a transposed softmax": {
    bytes: ofThree([
      ["Softmax", ["scores"], "p", { axis: 1 }],
      ["Transpose", ["p"], "last", { perm: [0, 2, 3, 1] }],
      ["ArgMax", ["last"], "out", { axis: -1, keepdims: 0 }],
    ]),
  },
  "topk as argmax": {
    bytes: ofThree(
      [
        ["TopK", ["scores", "k"], ["values", "labels"], { axis: 1 }],
        ["Cast", ["labels"], "out", { to: 6 }],
      ],
      { k: int64([1]) },
    ),
  },
  "the maximum compared with the scores": {
    bytes: ofThree([
      ["ReduceMax", ["scores"], "most", { axes: [1], keepdims: 1 }],
      ["Equal", ["scores", "most"], "is"],
      ["Cast", ["is"], "out", { to: 1 }],
    ]),
  },
  "a palette": { bytes: colouredModel(6, 8) },
  "one channel per class": {
    bytes: ofThree(
      [
        ["ArgMax", ["scores"], "labels", { axis: 1, keepdims: 0 }],
        ["OneHot", ["labels", "depth", "off_on"], "out", { axis: 1 }],
      ],
      { depth: int64([3]), off_on: { dims: [2], data: [0, 1] } },
    ),
  },
  "labels enlarged to the nearest": {
    bytes: ofThree(
      [...coarseLabels, ["Resize", ["float", "", "scales"], "out", { mode: "nearest" }]],
      { scales: twice },
    ),
  },
  "labels enlarged, then cropped": {
    bytes: ofThree(
      [
        ...coarseLabels,
        ["Resize", ["float", "", "scales"], "large", { mode: "nearest" }],
        ["Slice", ["large", "starts", "ends", "axes"], "out"],
      ],
      {
        scales: twice,
        starts: int64([1, -7]),
        ends: int64([99, 99]),
        axes: int64([2, -1]),
      },
    ),
  },
  "255 where a sigmoid is above 0.4": {
    bytes: ofOne(
      [
        ["Sigmoid", ["scores"], "p"],
        ["Greater", ["p", "border"], "is"],
        ["Where", ["is", "white", "black"], "out"],
      ],
      { border: scalar(0.4), white: scalar(255), black: scalar(0) },
    ),
    one: 255,
  },
  "1 where a score is not below 0.2": {
    bytes: ofOne(
      [
        ["Less", ["scores", "border"], "is"],
        ["Not", ["is"], "not"],
        ["Cast", ["not"], "out", { to: 2 }],
      ],
      { border: scalar(0.2) },
    ),
    one: 1,
  },
  "1 where a score is below 0.2": {
    bytes: ofOne(
      [
        ["Less", ["scores", "border"], "is"],
        ["Cast", ["is"], "out", { to: 2 }],
      ],
      { border: scalar(0.2) },
    ),
    one: 1,
  },
  "a rounded sigmoid, times 255": {
    bytes: ofOne(
      [
        ["Sigmoid", ["scores"], "p"],
        ["Round", ["p"], "rounded"],
        ["Mul", ["rounded", "white"], "out"],
      ],
      { white: scalar(255) },
    ),
    one: 255,
  },
  "a resized sigmoid": {
    bytes: ofOne(
      [
        ["Sigmoid", ["scores"], "p"],
        ["Resize", ["p", "", "scales"], "out", { mode: "linear" }],
      ],
      { scales: twice },
    ),
  },
  "a hard sigmoid": {
    bytes: ofOne([
      ["HardSigmoid", ["scores"], "out", { alpha: { float: 0.25 }, beta: { float: 0.5 } }],
    ]),
  },
};

describe.each(Object.entries(endings))("a model that ends in %s", (_, { bytes, one }) => {
  it("is attacked before its last step, and judged by it", async () => {
    const model = await load(bytes);
    if (one !== undefined) {
      const labels = await raw(bytes, image.data, dims);
      const expected = Array.from(labels, (v) => (v === one ? 1 : 0));
      expect([...(await model.predict(image)).data]).toEqual(expected);
    }
    await attack(model, image);
  });
});

it("reads colours as the classes that the palette gives them", async () => {
  const model = await load(colouredModel(6, 8));
  const colours = await raw(colouredModel(6, 8), image.data, dims);
  const red = [0, 255, 0];
  const expected = Array.from({ length: 48 }, (_, i) =>
    red.indexOf(colours[i] as number, (colours[96 + i] as number) > 0 ? 2 : 0),
  );
  expect([...(await model.predict(image)).data]).toEqual(expected);
});

it("attacks one channel of several that stand for themselves", async () => {
  const bytes = multiLabelModel(6, 8);
  const classes = ["disc", "cup", "vessel"];
  const model = await load(bytes, { class: "cup", classes });
  const p = await raw(bytes, image.data, dims, "probabilities");
  const expected = Array.from({ length: 48 }, (_, i) => ((p[48 + i] as number) > 0.5 ? 1 : 0));
  expect([...(await attack(model, image)).data]).toEqual(expected);
  expect(model.description.classNames).toEqual(["not cup", "cup"]);
  expect(model.description.head).toMatchObject({ scores: "Conv_output", channel: 1, classes: 2 });
  const byDefault = await load(bytes);
  expect(byDefault.description.decisions).toContainEqual(
    expect.objectContaining({ what: "class", options: ["class", "outputKind"] }),
  );
});

it("lets channels exclude each other when told so", async () => {
  const bytes = multiLabelModel(6, 8);
  const p = await raw(bytes, image.data, dims, "probabilities");
  const model = await load(bytes, { outputKind: "logits" });
  expect([...(await model.predict(image)).data]).toEqual(largest(p, 3, 48));
});

it("takes raw channels as independent logits when one is chosen", async () => {
  const bytes = build(dims, (b, x) => ({ out: three(b, x) }));
  const scores = await raw(bytes, image.data, dims);
  const model = await load(bytes, { class: 1 });
  const expected = Array.from({ length: 48 }, (_, i) => ((scores[48 + i] as number) > 0 ? 1 : 0));
  expect([...(await attack(model, image)).data]).toEqual(expected);
});

it("reads a map of several independent channels", async () => {
  const bytes = headModel(
    dims,
    [-0.4, 0.2, 0],
    [
      ["Sigmoid", ["scores"], "p"],
      ["Greater", ["p", "half"], "is"],
      ["Cast", ["is"], "out", { to: 2 }],
    ],
    { half: scalar(0.5) },
  );
  const map = await raw(bytes, image.data, dims);
  const model = await load(bytes, { class: 2 });
  expect([...(await attack(model, image)).data]).toEqual(Array.from(map).slice(96));
});

it("names the way out for a class that cannot be chosen", async () => {
  const softmax = build(dims, (b, x) => ({ out: b.op("Softmax", [three(b, x)], { axis: 1 }) }));
  await expect(load(softmax, { class: 1 })).rejects.toMatchObject({
    code: "ERR_CLASS",
    message: expect.stringContaining("leave out `class`"),
  });
  await expect(load(multiLabelModel(6, 8), { class: 3 })).rejects.toMatchObject({
    code: "ERR_CLASS",
    message: expect.stringContaining("from 0 to 2"),
  });
});

it("takes the border of a channel from the options", async () => {
  const bytes = ofOne([["Sigmoid", ["scores"], "out"]]);
  const p = await raw(bytes, image.data, dims);
  const model = await load(bytes, { border: 0.3 });
  expect(model.description.head.border).toBeCloseTo(Math.log(0.3 / 0.7), 10);
  const expected = Array.from(p, (v) => (v > 0.3 ? 1 : 0));
  expect(expected).not.toEqual(Array.from(p, (v) => (v > 0.5 ? 1 : 0)));
  expect([...(await attack(model, image)).data]).toEqual(expected);
  const labels = ofThree([argmax, ["Cast", ["labels"], "out", { to: 7 }]]);
  await expect(load(labels, { border: 0.3 })).rejects.toMatchObject({
    code: "ERR_OUTPUT",
    message: expect.stringContaining("`border`"),
  });
});

it("names the scores when a map merges classes", async () => {
  const bytes = ofThree([argmax, ["Cast", ["labels"], "out", { to: 9 }]]);
  await expect(load(bytes)).rejects.toMatchObject({
    code: "ERR_OUTPUT",
    message: expect.stringContaining('`output: "scores"`'),
  });
});

describe("volumes", () => {
  it("are attacked in depth, height and width", async () => {
    const of = [4, 6, 5] as const;
    const model = await load(volumeModel(of), {}, of);
    expect(model.description.preprocessing.layout).toBe("NCDHW");
    expect(model.imageDims).toEqual([1, 1, 4, 6, 5]);
    const x = noise(1, of);
    const before = await attack(model, x);
    expect([...before.data]).toEqual(Array.from(x.data, (v) => (v > 0.5 ? 1 : 0)));
  });

  it("are attacked with channels last, resized and padded", async () => {
    const bytes = build([1, 4, 6, 6, 2], (b, x) => ({
      out: conv(b, b.transpose(x, [0, 4, 1, 2, 3]), 1, [0]),
    }));
    const options = { padding: { pixels: [0, 1, 1, 0, 1, 1], mode: "edge" } } as const;
    const model = await load(bytes, options, [3, 8, 8]);
    expect(model.description.preprocessing).toMatchObject({
      layout: "NDHWC",
      resizedSize: [4, 4, 4],
    });
    expect(model.description.head).toMatchObject({ layout: "NCDHW", size: [4, 6, 6] });
    await attack(model, noise(2, [3, 8, 8]));
  });

  it("need sizes of three axes", async () => {
    await expect(load(volumeModel([4, 6, 5]), {}, [6, 5])).rejects.toMatchObject({
      code: "ERR_PREPROCESSING",
      message: expect.stringContaining("volumes (depth, height, width)"),
    });
  });
});

describe("queries", () => {
  /** Σ_q softmax(classes)_k sigmoid(masks), written out once more. */
  async function semantic(classes = 3, isVoidLast = true): Promise<number[]> {
    const bytes = queryModel(6, 8);
    const c = await raw(bytes, image.data, dims, "class_queries_logits");
    const m = await raw(bytes, image.data, dims, "masks_queries_logits");
    const scores = new Float64Array(classes * 12);
    for (let q = 0; q < 5; q++) {
      const e = [0, 1, 2, 3].map((k) => Math.exp(c[q * 4 + k] as number));
      const sum = e.reduce((a, v) => a + v, 0);
      const kept = isVoidLast ? e.slice(0, 3) : e.slice(1);
      for (let i = 0; i < 12; i++) {
        const mask = 1 / (1 + Math.exp(-(m[q * 12 + i] as number)));
        kept.forEach((v, k) => (scores[k * 12 + i]! += (v / sum) * mask));
      }
    }
    return largest(scores, classes, 12);
  }

  it("are combined to scores per pixel, and attacked", async () => {
    const model = await load(queryModel(6, 8));
    expect(model.description.head).toMatchObject({
      output: "masks_queries_logits",
      classes: 3,
      size: [3, 4],
      queries: { classes: "class_queries_logits", voidClass: 3, kept: [0, 1, 2] },
    });
    expect([...(await attack(model, image)).data]).toEqual(await semantic());
  });

  it("may have another void class", async () => {
    const model = await load(queryModel(6, 8), { voidClass: 0 });
    expect([...(await model.predict(image)).data]).toEqual(await semantic(3, false));
    await model.release();
    const without = await load(queryModel(6, 8), { voidClass: "none" });
    expect(without.description.head.classes).toBe(4);
    await attack(without, image);
  });

  it("are attacked on the image's grid", async () => {
    const model = await load(queryModel(6, 8), { grid: "image" });
    expect(model.description.head.size).toEqual([6, 8]);
    await attack(model, image);
  });

  it("are asked for by name when nothing tells", async () => {
    const unnamed = build(dims, (b, x) => ({
      a: b.reshape(b.reduce("ReduceMean", conv(b, x, 10, Array(10).fill(0)), [2, 3]), [1, 5, 2]),
      b: b.reshape(b.reduce("ReduceMean", conv(b, x, 15, Array(15).fill(0)), [2, 3]), [1, 5, 3]),
      c: conv(b, x, 5, [0, 0, 0, 0, 0]),
    }));
    expect((await load(unnamed)).description.head).toMatchObject({ output: "c", classes: 5 });
    await expect(load(unnamed, { outputKind: "queries" })).rejects.toMatchObject({
      code: "ERR_OUTPUT",
      message: expect.stringMatching(/'a' \[1, 5, 2\], 'b' \[1, 5, 3\].*`queryClasses`/),
    });
    const model = await load(unnamed, { queryClasses: "b" });
    expect(model.description.head).toMatchObject({ classes: 2, queries: { classes: "b" } });
  });
});

describe("several outputs", () => {
  const two = (b: GraphBuilder, x: Value) => conv(b, x, 2, [0, 0]);
  it("of one size: the one not named as auxiliary, then the first", async () => {
    const aux = build(dims, (b, x) => ({ aux: two(b, x), out: conv(b, x, 2, [0, 1]) }));
    expect((await load(aux)).description.head.output).toBe("out");
    const deep = build(dims, (b, x) => ({ d0: two(b, x), d1: conv(b, x, 2, [0, 1]) }));
    const model = await load(deep);
    expect(model.description.head.output).toBe("d0");
    expect(model.description.decisions).toContainEqual({
      what: "output",
      is: "'d0'",
      because: "the first of the finest of 2 spatial outputs",
      options: ["output"],
      isUnsure: true,
    });
  });
});

describe("the label grid", () => {
  const coarse = (b: GraphBuilder, x: Value) => ({
    out: three(b, b.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] })),
  });

  it("is the output's own, or the image's after resizing the scores", async () => {
    const bytes = build(dims, coarse);
    expect((await load(bytes)).description.grid).toMatchObject({ kind: "scaled", size: [3, 4] });
    const model = await load(bytes, { grid: "image" });
    expect(model.description.grid).toMatchObject({ kind: "image", size: [6, 8] });
    const scores = await raw(bytes, image.data, dims);
    // The runtime's own Resize is the reference.
    const large = await raw(enlarging, Float32Array.from(scores), [1, 3, 3, 4]);
    expect([...(await attack(model, image)).data]).toEqual(largest(large, 3, 48));
  });

  it("goes through resizing and padding of the image", async () => {
    const bytes = build([1, 3, 8, 8], coarse);
    const options = { grid: "image", padding: { pixels: 1, mode: "edge" } } as const;
    const model = await load(bytes, options, [12, 9]);
    expect(model.description.preprocessing.resizedSize).toEqual([6, 6]);
    expect(model.description.head.size).toEqual([12, 9]);
    await attack(model, noise(3, [12, 9]));
  });

  it("cannot be the image's for labels or the centre of the input", async () => {
    await expect(load(colouredModel(6, 8), { grid: "image" })).rejects.toMatchObject({
      message: expect.stringContaining('`output: "scores"`'),
    });
    const valid = build([1, 3, 9, 10], (b, x) => ({
      out: three(b, b.slice(x, [2, 3], [1, 1], [8, 9])),
    }));
    await expect(load(valid, { grid: "image" }, [9, 10])).rejects.toMatchObject({
      message: expect.stringContaining("covers only the centre"),
    });
  });
});

/** Twice as large, linear. */
const enlarging = headModel(
  [1, 3, 3, 4],
  [0],
  [["Resize", ["image", "", "scales"], "out", { mode: "linear" }]],
  { scales: twice },
);

describe("a dynamic size", () => {
  it("is the image's where the model takes it", async () => {
    const model = await load(multipleOfFourModel(), {}, [8, 12]);
    expect(model.description.preprocessing.isPaddedToFit).toBe(false);
    await attack(model, noise(3, [8, 12]));
  });

  it("is rounded up to what the model takes, and the padding does not count", async () => {
    const model = await load(multipleOfFourModel(), {}, [9, 14]);
    expect(model.description.preprocessing).toMatchObject({
      padding: [0, 0, 3, 2],
      paddingMode: "edge",
      isPaddedToFit: true,
    });
    expect(model.description.input.dims).toEqual([1, 3, 12, 16]);
    expect(model.description.grid).toMatchObject({ kind: "same", size: [9, 14] });
    expect(model.description.decisions).toContainEqual(
      expect.objectContaining({
        what: "padding",
        because: "the model refuses the image's size and takes this multiple",
      }),
    );
    await attack(model, noise(3, [9, 14]));
  });

  it("stays as told, and says so", async () => {
    const options = { padding: { pixels: 0 } };
    await expect(load(multipleOfFourModel(), options, [9, 14])).rejects.toMatchObject({
      code: "ERR_MODEL_REFUSED",
      message: expect.stringContaining("`padding`"),
    });
  });
});

it("exchanges red and blue before mean and std", async () => {
  const bytes = build(dims, (b, x) => ({ out: three(b, x) }));
  const options = {
    channelOrder: "bgr",
    range: [0, 255],
    mean: [100, 110, 120],
    std: [60],
  } as const;
  const model = await load(bytes, options);
  const mean = [100, 110, 120];
  const data = image.data.map((_, i) => {
    const c = Math.floor(i / 48);
    return (255 * (image.data[(2 - c) * 48 + (i % 48)] as number) - (mean[c] as number)) / 60;
  });
  const scores = await raw(bytes, data, dims);
  expect([...(await attack(model, image)).data]).toEqual(largest(scores, 3, 48));
});
