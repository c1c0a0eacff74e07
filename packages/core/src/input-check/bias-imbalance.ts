import { GraphBuilder, writeModel, type Value } from "@onnx-asma/autodiff";
import type { ImageTensor } from "../image.ts";
import { appendPreprocessing, at } from "../model/input/preprocessing.ts";
import { axisOf } from "../model/layout.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { Normalisation } from "../normalisations.ts";
import { openSession } from "../open-session.ts";

/** Layers after the first that are looked at. */
const mostLayers = 6;
/** Fewer channels say nothing. */
const leastChannels = 8;

type GraphNode = SegmentationModel["resolved"]["model"]["graph"]["node"][number];

/** A value with channels on axis 1, and what was added to each last. */
interface BiasedLayer {
  readonly value: string;
  readonly biases: readonly number[];
}

/** Channels of a layer for one image. */
interface Channels {
  readonly mean: Float32Array;
  readonly meanSquare: Float32Array;
}

/**
 * How far the biases of a model's first layers are from balancing what comes in, for an image as several
 * normalisations bring it to the model. Batch normalisation makes the mean of each channel small beside its
 * deviation, for the images that it was trained on; folded into the convolution before it, as exporters do, it
 * leaves biases that cancel the mean of what comes in. With m and s the mean and deviation of a channel over the
 * pixels and b its bias, a layer's imbalance is
 *
 *     Σ (m/s)² / Σ ((m − b)² + b²)/s²
 *
 * 0 where biases cancel all, about 1 where they know nothing of what comes in: other images than it was trained on,
 * or a network that was trained without. The first layer does not count: its mean says little where images were
 * centred. Of the next ones (convolutions with a bias, batch normalisations) the median is taken.
 *
 * @yields one number for each normalisation, of which nothing is computed before it is asked for; `undefined`
 *   where there are fewer than two layers, or nothing varies
 */
export async function* biasImbalances(
  model: SegmentationModel,
  image: ImageTensor,
  normalisations: readonly Normalisation[],
): AsyncGenerator<number | undefined, void> {
  const [, ...layers] = biasedLayers(model).slice(0, mostLayers + 1);
  if (layers.length < 2) {
    yield* normalisations.map(() => undefined);
    return;
  }
  const graph = buildChannelMeans(model, layers);
  const written = writeModel(graph.b.build().model, "reference");
  const { runtime, options, description } = model;
  const session = await openSession(runtime, written, options.sessionOptions, "the first layers");
  try {
    const prepared = await prepare(model, image);
    for (const values of normalisations) {
      const { scale, shift } = changeOf(description.preprocessing, values, description.channels);
      const results = await session.run({
        [graph.image]: prepared,
        [graph.scale]: new runtime.Tensor("float32", scale, graph.perChannel),
        [graph.shift]: new runtime.Tensor("float32", shift, graph.perChannel),
      });
      const read = (name: string) => results[name]?.data as Float32Array;
      const each = graph.outputs.flatMap(({ mean, meanSquare }, i) => {
        const { biases } = layers[i] as BiasedLayer;
        return imbalanceOf({ mean: read(mean), meanSquare: read(meanSquare) }, biases) ?? [];
      });
      yield each.length < 2 ? undefined : medianOf(each);
    }
  } finally {
    await session.release();
  }
}

/** Convolutions with a bias and batch normalisations, in the order of the graph. */
function biasedLayers({ resolved }: SegmentationModel): BiasedLayer[] {
  const { node: nodes } = resolved.model.graph;
  const normalised = new Set(
    nodes.flatMap(({ opType, input }) => (opType === "BatchNormalization" ? [input[0]] : [])),
  );
  return nodes.flatMap((node): BiasedLayer[] => {
    const { opType, input, output } = node;
    const [value = ""] = output;
    const biases =
      opType === "BatchNormalization"
        ? shiftsOf(node, resolved)
        : opType === "Conv" && !normalised.has(value)
          ? resolved.constant(input[2] ?? "")
          : undefined;
    return biases === undefined || !resolved.types.has(value) ? [] : [{ value, biases }];
  });
}

/** What a batch normalisation adds to each channel, with what it knows from training. */
function shiftsOf(
  { input, attribute }: GraphNode,
  resolved: SegmentationModel["resolved"],
): number[] | undefined {
  const [scale, bias, mean, variance] = input.slice(1).map((name) => resolved.constant(name));
  const epsilon = attribute.find(({ name }) => name === "epsilon")?.f ?? 1e-5;
  return (
    scale &&
    mean &&
    variance &&
    bias?.map((shift, c) => {
      const factor = (scale[c] as number) / Math.sqrt((variance[c] as number) + epsilon);
      return shift - factor * (mean[c] as number);
    })
  );
}

/**
 * The model as far as these layers: what is scaled and shifted per channel before its input in, mean and mean
 * square of each layer's channels out.
 */
function buildChannelMeans(model: SegmentationModel, layers: readonly BiasedLayer[]) {
  const { input, preprocessing } = model.description;
  const b = model.startGraph();
  const own = b.value(input.name);
  const channelAxis = axisOf(preprocessing.layout, "C");
  const perChannel = own.dims.map((n, axis) => (axis === channelAxis ? n : 1));
  const image = b.input("image", own);
  const scale = b.input("scale", { dtype: "float32", dims: perChannel });
  const shift = b.input("shift", { dtype: "float32", dims: perChannel });
  b.prepend(() => {
    const x = b.op("Add", [b.op("Mul", [b.cast(image, "float32"), scale]), shift]);
    b.replaceInput(own, b.cast(x, own.dtype));
  });
  const outputs = layers.map(({ value }) => {
    const y = b.cast(b.value(value), "float32");
    const axes = y.dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const meanOf = (x: Value) => b.output(b.reduce("ReduceMean", x, axes, false)).name;
    return { mean: meanOf(y), meanSquare: meanOf(b.op("Mul", [y, y])) };
  });
  return { b, image: image.name, scale: scale.name, shift: shift.name, perChannel, outputs };
}

/** What brings an input of one normalisation to another, per channel. */
function changeOf(from: Normalisation, to: Normalisation, channels: number) {
  const affine = ({ range: [low, high], mean = [], std = [] }: Normalisation) =>
    Array.from({ length: channels }, (_, c) => {
      const deviation = at(std, c, 1);
      return [(high - low) / deviation, (low - at(mean, c, 0)) / deviation] as const;
    });
  const [a, b] = [affine(from), affine(to)];
  const scale = Float32Array.from(b, ([factor], c) => factor / (a[c]?.[0] as number));
  const shift = Float32Array.from(
    b,
    ([, sum], c) => sum - (a[c]?.[1] as number) * (scale[c] as number),
  );
  return { scale, shift };
}

/** An image as the model sees it. */
async function prepare(
  { runtime, options, resolved, description, imageDims }: SegmentationModel,
  image: ImageTensor,
) {
  const { input, preprocessing } = description;
  const dtype = resolved.types.get(input.name)?.dtype ?? "float32";
  const b = GraphBuilder.empty();
  const from = b.input("image", { dtype: "float32", dims: imageDims });
  const to = b.output(appendPreprocessing(b, from, dtype, preprocessing), "input").name;
  const graph = writeModel(b.build().model, "embed");
  const session = await openSession(runtime, graph, options.sessionOptions, "the preprocessing");
  try {
    const tensor = new runtime.Tensor("float32", image.data, image.dims);
    return (await session.run({ [from.name]: tensor }))[to] as typeof tensor;
  } finally {
    await session.release();
  }
}

function imbalanceOf(
  { mean, meanSquare }: Channels,
  biases: readonly number[],
): number | undefined {
  const deviations = mean.map((m, c) => Math.sqrt(Math.max(0, (meanSquare[c] as number) - m * m)));
  const largest = Math.max(...deviations);
  let [channels, left, all] = [0, 0, 0];
  mean.forEach((m, c) => {
    const [deviation, bias] = [deviations[c] as number, biases[c] ?? Number.NaN];
    if (deviation > 1e-4 * largest) {
      channels += 1;
      left += (m / deviation) ** 2;
      all += ((m - bias) ** 2 + bias ** 2) / deviation ** 2;
    }
  });
  return channels < leastChannels || !(all > 0) ? undefined : left / all;
}

function medianOf(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
}
