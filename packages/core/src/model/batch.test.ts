import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  differentiate,
  readModel,
  resolve,
  writeModel,
  type Runtime,
  type Target,
  type Value,
} from "@onnx-asma/autodiff";
import {
  build,
  channelsLastModel,
  conv,
  headModel,
  multiLabelModel,
  volumeModel,
  withDynamicDims,
} from "../../../../test/support/segmentation-models.ts";
import { countOf, type ImageTensor, type Size } from "../image.ts";
import type { LoadOptions } from "./model-options.ts";
import { SegmentationModel } from "./segmentation-model.ts";

const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => ((i * 53 + i * i + seed * 29) % 97) / 96);

const join = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((p) => [...p]));

/** Scores and gradient for a batch: of ⟨weights, scores⟩, and of ⟨weights, scores⟩ + ⟨scores, scores²⟩. */
async function run(
  model: SegmentationModel,
  images: Float32Array,
  weights: Float32Array,
  target: Target,
  isOneTerm = true,
) {
  const b = model.startGraph(target);
  const image = b.input("attack/image", { dtype: "float32", dims: model.batchDims });
  const { scores, gradientOf } = model.appendTo(b, image);
  const weight = b.input("attack/weight", scores);
  const terms = [
    { value: scores, weight },
    { value: b.op("Mul", [scores, scores]), weight: scores },
  ];
  const gradient = gradientOf(isOneTerm ? terms.slice(0, 1) : terms) as Value;
  b.output(scores, "attack/scores");
  b.output(gradient, "attack/gradient");
  const { bytes, externalData } = writeModel(b.build().model, "reference");
  const session = await ort.InferenceSession.create(bytes, { externalData: [...externalData] });
  const results = await session.run({
    "attack/image": new ort.Tensor("float32", images, model.batchDims),
    "attack/weight": new ort.Tensor("float32", weights, scores.dims),
  });
  await session.release();
  const of = (name: string) => [...(results[name]?.data as Float32Array)];
  return {
    dims: [scores.dims, results["attack/gradient"]?.dims],
    scores: of("attack/scores"),
    gradient: of("attack/gradient"),
  };
}

const flat = [1, 3, 6, 8];
const nearest = {
  mode: "nearest",
  coordinate_transformation_mode: "asymmetric",
  nearest_mode: "floor",
};

/** Bytes with a free batch, options, and the size of the images. */
const cases: Record<string, [Uint8Array, LoadOptions?, Size?]> = {
  "padding, mean and std": [
    withDynamicDims(
      build(flat, (b, x) => ({ out: conv(b, x, 3, [0, 0.1, 0.2]) })),
      [0],
    ),
    { padding: { pixels: 1, mode: "reflect" }, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
    [4, 6],
  ],
  "a resized image, blue first, labels on the image's grid": [
    withDynamicDims(
      build(flat, (b, x) => ({ out: conv(b, x, 3, [0, 0.1, 0.2]) })),
      [0],
    ),
    { channelOrder: "bgr", grid: "image", padding: { pixels: [0, 1, 1, 0], mode: "zero" } },
    [9, 11],
  ],
  "one channel with a sigmoid": [
    withDynamicDims(
      build(flat, (b, x) => ({ out: b.op("Sigmoid", [conv(b, x, 1, [-0.4])]) })),
      [0],
    ),
  ],
  "several channels with a sigmoid each": [
    withDynamicDims(multiLabelModel(6, 8), [0]),
    { class: 1 },
  ],
  softmax: [
    withDynamicDims(
      build(flat, (b, x) => ({
        out: b.op("Softmax", [conv(b, x, 3, [0, 0.1, 0.2])], { axis: 1 }),
      })),
      [0],
    ),
  ],
  "labels that are enlarged": [
    withDynamicDims(
      headModel(
        [1, 3, 3, 4],
        [0, 0.1, 0.2],
        [
          ["ArgMax", ["scores"], "labels", { axis: 1, keepdims: 1 }],
          ["Cast", ["labels"], "numbers", { to: 1 }],
          ["Resize", ["numbers", "", "scales"], "out", nearest],
        ],
        { scales: { dims: [4], data: [1, 1, 2, 2] } },
      ),
      [0],
    ),
    {},
    [3, 4],
  ],
  "labels without an axis for them": [
    withDynamicDims(
      headModel(flat, [0, 0.1, 0.2], [["ArgMax", ["scores"], "out", { axis: 1, keepdims: 0 }]]),
      [0],
    ),
  ],
  "channels last": [withDynamicDims(channelsLastModel(6, 8), [0])],
  "masks of queries": [
    withDynamicDims(
      headModel(
        flat,
        [-0.35, 0.2, -0.02, 0.1, -0.2],
        [
          ["ReduceMean", ["scores"], "pooled", { axes: [2, 3], keepdims: 1 }],
          ["Squeeze", ["pooled", "last"], "column"],
          ["Add", ["column", "queries"], "class_queries_logits"],
          ["Mul", ["scores", "six"], "masks_queries_logits"],
        ],
        {
          last: { dtype: "int64", dims: [1], data: [3] },
          six: { dims: [], data: [6] },
          queries: {
            dims: [1, 5, 4],
            data: [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 2, 0, 1, 0, 0, 0, 4],
          },
        },
        ["class_queries_logits", "masks_queries_logits"],
      ),
      [0],
    ),
  ],
  volumes: [withDynamicDims(volumeModel([4, 6, 5]), [0]), { resize: [4, 6, 5] }, [4, 8, 7]],
};

describe.each(Object.entries(cases))("a batch of three through %s", (_, [bytes, options, size]) => {
  const load = (batch?: number) =>
    SegmentationModel.load(ort as Runtime, bytes, size ?? [6, 8], {
      ...options,
      ...(batch !== undefined && { batch }),
    });

  it.each(["cpu", "any"] as const)(
    "gives the three single scores and gradients, for %s",
    async (target) => {
      const [three, one] = [await load(3), await load()];
      expect([three.batch, one.batch]).toEqual([3, 1]);
      const pixels = countOf(one.imageDims);
      const values = countOf([one.description.head.classes, ...one.description.head.size]);
      const images = [1, 2, 3].map((seed) => noise(pixels, seed));
      const weights = [4, 5, 6].map((seed) => noise(values, seed));
      for (const isOneTerm of [true, false]) {
        const all = await run(three, join(images), join(weights), target, isOneTerm);
        const singles = [];
        for (const [i, image] of images.entries()) {
          singles.push(await run(one, image, weights[i] as Float32Array, target, isOneTerm));
        }
        const { head } = three.description;
        expect(all.dims).toEqual([[3, head.classes, ...head.size], three.batchDims]);
        expect(all.scores).toEqual(singles.flatMap(({ scores }) => scores));
        expect(all.gradient).toEqual(singles.flatMap(({ gradient }) => gradient));
        expect(all.gradient.some((v) => v !== 0)).toBe(true);
      }
    },
  );

  it("predicts one image at a time, as a model for one image does", async () => {
    const [three, one] = [await load(3), await load()];
    const image: ImageTensor = { data: noise(countOf(one.imageDims), 1), dims: one.imageDims };
    const { data, dims } = await three.predict(image);
    const expected = await one.predict(image);
    expect([dims, ...data]).toEqual([expected.dims, ...expected.data]);
    expect(new Set(data).size).toBeGreaterThan(1);
    await three.release();
    await one.release();
  });
});

it("predicts one image where float32 stands in for the model's own type", async () => {
  const bytes = withDynamicDims(
    headModel(
      flat,
      [0, 0.1, 0.2],
      [
        ["Cast", ["scores"], "wide", { to: 11 }],
        ["Selu", ["wide"], "out"],
      ],
    ),
    [0],
  );
  const model = await SegmentationModel.load(ort as Runtime, bytes, [6, 8], { batch: 3 });
  expect(model.description.adaptations.floats).toEqual(["float64"]);
  const one = await SegmentationModel.load(ort as Runtime, bytes, [6, 8]);
  const image: ImageTensor = { data: noise(144, 1), dims: [1, 3, 6, 8] };
  expect([...(await model.predict(image)).data]).toEqual([...(await one.predict(image)).data]);
});

it("adds the gradients of several terms", async () => {
  const [bytes] = cases["softmax"] as [Uint8Array];
  const model = await SegmentationModel.load(ort as Runtime, bytes, [6, 8], { batch: 2 });
  const images = noise(countOf(model.batchDims), 1);
  const weights = noise(2 * 3 * 48, 2);
  const one = await run(model, images, weights, "cpu");
  // ∇(⟨w, s⟩ + ⟨c, s²⟩) with c = s held fast is ∇⟨w + 2s², s⟩.
  const both = await run(model, images, weights, "cpu", false);
  const sum = weights.map((w, i) => w + 2 * (one.scores[i] as number) ** 2);
  const expected = await run(model, images, sum, "cpu");
  both.gradient.forEach((v, i) => expect(v).toBeCloseTo(expected.gradient[i] as number, 4));
});

it.each(["cpu", "any"] as const)(
  "gives the gradient of a training graph of three images, for %s",
  async (target) => {
    const [bytes] = cases["padding, mean and std"] as [Uint8Array];
    const resolved = await resolve(await readModel(bytes), ort as Runtime, {
      dims: { image: [3, 3, 6, 8] },
    });
    const trainingGraph = { model: differentiate(resolved).model, target };
    const [, options, size] = cases["padding, mean and std"] as [Uint8Array, LoadOptions, Size];
    const load = (more: LoadOptions) =>
      SegmentationModel.load(ort as Runtime, bytes, size, { ...options, ...more, batch: 3 });
    const [theirs, ours] = [await load({ trainingGraph }), await load({})];
    const images = noise(countOf(ours.batchDims), 1);
    const weights = noise(3 * 3 * 48, 2);
    for (const isOneTerm of [true, false]) {
      const found = await run(theirs, images, weights, target, isOneTerm);
      const expected = await run(ours, images, weights, target, isOneTerm);
      expect(found.scores).toEqual(expected.scores);
      found.gradient.forEach((v, i) => expect(v).toBeCloseTo(expected.gradient[i] as number, 4));
    }
  },
);
