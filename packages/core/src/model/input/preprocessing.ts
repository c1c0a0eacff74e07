import type { DataType, GraphBuilder, Value } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../../errors.ts";
import { sameSize, type Size } from "../../image.ts";
import { castToWhole, isIntegerImage } from "./integer-image.ts";
import { appendResampling } from "./append-resampling.ts";
import { toLayout, type Layout } from "../layout.ts";
import type { Padding, PaddingMode } from "./padding.ts";
import type { ChannelOrder } from "./channel-order.ts";
import type { Resampling } from "./resampling-matrix.ts";
import { option } from "../option.ts";

/** Every step from the user's pixels to the model's input, in the order in which they are done. */
export interface Preprocessing {
  /** Size of the user's image. */
  readonly imageSize: Size;
  /** Size after resizing; equal to `imageSize` when nothing is resized. */
  readonly resizedSize: Size;
  /** How pixels are weighted when the image is resized. */
  readonly resampling: Resampling;
  /**
   * Pixels added before each spatial axis, then after each: top, left, bottom, right; of a volume
   * front, top, left, back, bottom, right. Negative ones are cut off.
   */
  readonly padding: readonly number[];
  /** What added pixels are. */
  readonly paddingMode: PaddingMode;
  /**
   * The padding was added by us because the model refuses the image's size, or by its preprocessor; it is cut
   * off again.
   */
  readonly isPaddedToFit: boolean;
  /** Whether red and blue are exchanged, before everything that is done per channel. */
  readonly channelOrder: ChannelOrder;
  /** Values that black and white have for the model, before `mean` and `std`. */
  readonly range: readonly [number, number];
  /** Subtracted per channel, after `range`; none: 0. */
  readonly mean: readonly number[];
  /** Divided by per channel, after `mean`; none: 1. */
  readonly std: readonly number[];
  /** Order of the axes of the model's input. */
  readonly layout: Layout;
  /** Samples in the model's batch: the images that are seen at once, or copies of the one. */
  readonly batch: number;
}

/**
 * Appends the preprocessing to a graph, so that gradients arrive at the user's own pixels: resize
 * (matrix products), pad, exchange red and blue, scale to the model's range, normalise, reorder axes.
 *
 * @param image float32, dims [N, C, …imageSize], values in [0, 1]; N is 1 or the model's batch
 * @param dtype of the model's image input
 * @returns the model's input, in its dtype, layout and batch
 */
export function appendPreprocessing(
  b: GraphBuilder,
  image: Value,
  dtype: DataType,
  p: Preprocessing,
): Value {
  const channels = image.dims[1] as number;
  let x = image;
  for (let i = p.resizedSize.length - 1; i >= 0; i--) {
    const y = appendResampling(b, x, i + 2, p.resizedSize[i] as number, p.resampling);
    // Negative weights overshoot; the pixels that Pillow keeps between two axes cannot.
    const isClipped = y !== x && (p.resampling === "bicubic" || p.resampling === "lanczos");
    x = isClipped ? b.op("Clip", [y, b.scalar(0), b.scalar(1)]) : y;
  }
  const rank = p.resizedSize.length;
  const pad = (value: Value, mode: string) =>
    p.padding.some((n) => n !== 0)
      ? b.op(
          "Pad",
          [
            value,
            b.ints([0, 0, ...p.padding.slice(0, rank), 0, 0, ...p.padding.slice(rank)]),
            b.scalar(0),
          ],
          { mode },
        )
      : value;
  if (p.paddingMode !== "zero") {
    x = pad(x, p.paddingMode);
  }
  if (p.channelOrder === "bgr") {
    x = b.op("Concat", b.split(x, 1, [1, 1, 1]).toReversed(), { axis: 1 });
  }
  const [low, high] = p.range;
  // low + x·(high − low), then (… − mean) / std, as one product and one sum per channel.
  const scale = Array.from({ length: channels }, (_, c) => (high - low) / at(p.std, c, 1));
  const shift = Array.from(
    { length: channels },
    (_, c) => (low - at(p.mean, c, 0)) / at(p.std, c, 1),
  );
  const perChannel = [1, channels, ...p.resizedSize.map(() => 1)];
  if (scale.some((s) => s !== 1)) {
    x = b.op("Mul", [x, b.constant("float32", perChannel, scale)]);
  }
  if (shift.some((s) => s !== 0)) {
    x = b.op("Add", [x, b.constant("float32", perChannel, shift)]);
  }
  if (p.paddingMode === "zero") {
    x = pad(x, "constant");
  }
  x = toLayout(b, x, p.layout, p.batch);
  return isIntegerImage(dtype) ? castToWhole(b, x, dtype) : b.cast(x, dtype);
}

/** The number of a channel in a list of one for all, or one for each. */
export function at(list: readonly number[], channel: number, fallback: number): number {
  return (list.length === 1 ? list[0] : list[channel]) ?? fallback;
}

/** What {@link planPreprocessing} needs to know. */
export interface PreprocessingRequest {
  readonly imageSize: Size;
  readonly channels: number;
  readonly layout: Layout;
  readonly batch?: number;
  /** Size of the model's input, `undefined` where it is dynamic. */
  readonly inputSize?: readonly (number | undefined)[] | undefined;
  readonly resize?: Size | undefined;
  /** @default "bilinear" */
  readonly resampling?: Resampling | undefined;
  /** Padding asked for by the user; always done. */
  readonly padding?: Padding | undefined;
  /** Padding that a preprocessor does, unless the user asks for another; it is cut off again. */
  readonly preprocessorPadding?: Padding | undefined;
  /** Padding the model says it was made with; done unless the image has the input's size already. */
  readonly modelPadding?: Padding | undefined;
  /** The input has to be a multiple of this; the image is padded behind for it. @default 1 */
  readonly multiple?: number | undefined;
  readonly channelOrder?: ChannelOrder | undefined;
  readonly range?: readonly [number, number] | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
}

/**
 * Decides how an image of a given size becomes the model's input.
 *
 * @throws AsmaError `ERR_PREPROCESSING` when the parts contradict each other
 */
export function planPreprocessing(request: PreprocessingRequest): Preprocessing {
  const { imageSize, channels, multiple = 1, channelOrder = "rgb" } = request;
  const rank = imageSize.length;
  const inputSize = request.inputSize ?? imageSize.map(() => undefined);
  if (inputSize.length !== rank || (request.resize ?? imageSize).length !== rank) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `The model takes ${inputSize.length === 3 ? "volumes (depth, height, width)" : "images (height, width)"} but the image is ${imageSize.join("×")}${request.resize === undefined ? "" : ` and is to become ${request.resize.join("×")}`}: give all sizes for ${inputSize.length} axes, or correct ${option("layout")}.`,
    );
  }
  const isExact = inputSize.every((n, i) => n === imageSize[i]);
  const padding =
    request.padding ??
    request.preprocessorPadding ??
    (isExact && request.resize === undefined ? undefined : request.modelPadding);
  const sides = [...sidesOf(padding, rank)];
  const around = (i: number) => (sides[i] as number) + (sides[i + rank] as number);
  const resizedSize =
    request.resize ??
    (imageSize.map((n, i) => {
      const own = inputSize[i];
      return own === undefined ? n : own - around(i);
    }) as unknown as Size);
  if (request.resize === undefined && resizedSize.some((n) => n < 1)) {
    throw refusal("ERR_PREPROCESSING", {
      expected: `padding that leaves room for the image in an input of ${inputSize.map((n) => n ?? "?").join("×")} pixels`,
      found: `${option("padding")} is [${sides.join(", ")}]`,
      wayOut: "make it smaller",
    });
  }
  const padded = () => resizedSize.map((n, i) => n + around(i));
  const excess = padded().map((n) => Math.ceil(n / multiple) * multiple - n);
  const isPaddedToFit =
    excess.some((n) => n > 0) || (padding !== undefined && padding === request.preprocessorPadding);
  excess.forEach((n, i) => {
    sides[rank + i] = (sides[rank + i] as number) + n;
  });
  if (
    resizedSize.some((n) => !(n > 0)) ||
    padded().some((n, i) => inputSize[i] !== undefined && n !== inputSize[i])
  ) {
    throw refusal("ERR_PREPROCESSING", {
      expected: `an input of ${inputSize.map((n) => n ?? "?").join("×")} pixels`,
      found: `resizing to ${resizedSize.join("×")} and padding by [${sides.join(", ")}] gives ${padded().join("×")}`,
      wayOut: `change ${option("resize")} or ${option("padding")}`,
    });
  }
  if (padding?.mode === "reflect" && sides.some((p, i) => p >= (resizedSize[i % rank] as number))) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Reflecting needs fewer pixels than the image has, but [${sides.join(", ")}] are asked of ${resizedSize.join("×")}: use edge padding.`,
    );
  }
  checkNumbers(request, channels);
  if (channelOrder === "bgr" && channels !== 3) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `The channel order bgr is one of 3 channels, but the model takes ${channels}: leave it out.`,
    );
  }
  const [low, high] = request.range ?? [0, 1];
  return {
    imageSize,
    resizedSize,
    resampling: request.resampling ?? "bilinear",
    padding: sides,
    paddingMode: padding?.mode ?? (isPaddedToFit ? "edge" : "constant"),
    isPaddedToFit,
    channelOrder,
    range: [low, high],
    mean: request.mean ?? [],
    std: request.std ?? [],
    layout: request.layout,
    batch: request.batch ?? 1,
  };
}

function checkNumbers(request: PreprocessingRequest, channels: number): void {
  for (const [name, list] of [
    ["mean", request.mean],
    ["std", request.std],
  ] as const) {
    if (list !== undefined && list.length !== 1 && list.length !== channels) {
      throw refusal("ERR_PREPROCESSING", {
        expected: `${channels} numbers (one per channel) or one for ${option(name)}`,
        found: `found ${list.length} (${list.join(", ")})`,
        wayOut: "give one for each channel",
      });
    }
  }
  if (request.std?.some((s) => !(s > 0))) {
    throw refusal("ERR_PREPROCESSING", {
      expected: `positive numbers for ${option("std")}`,
      found: `found ${request.std.join(", ")}`,
      wayOut: "give what each channel is divided by, or leave it out for 1",
    });
  }
  const [low, high] = request.range ?? [0, 1];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low === high) {
    throw refusal("ERR_PREPROCESSING", {
      expected: `two different numbers for ${option("range")}`,
      found: `found ${low} and ${high}`,
      wayOut: "say what black and white are for the model",
    });
  }
}

/**
 * Pixels before each spatial axis, then after each; zeros without padding.
 *
 * @throws AsmaError `ERR_PREPROCESSING` for a list of another length
 */
export function sidesOf(padding: Padding | undefined, rank: number): readonly number[] {
  const pixels = padding?.pixels ?? 0;
  if (typeof pixels === "number") {
    return Array.from({ length: 2 * rank }, () => pixels);
  }
  if (pixels.length !== 2 * rank) {
    throw refusal("ERR_PREPROCESSING", {
      expected: `one number of padding pixels or ${2 * rank} (before each axis, then after each)`,
      found: `found ${pixels.length}`,
    });
  }
  return pixels;
}

/** The size of the model's input that the preprocessing gives. */
export function inputSizeOf({ resizedSize, padding }: Preprocessing): Size {
  const rank = resizedSize.length;
  return resizedSize.map(
    (n, i) => n + (padding[i] as number) + (padding[i + rank] as number),
  ) as unknown as Size;
}

/** Whether the preprocessing changes the image's size by resampling. */
export function isResized({ imageSize, resizedSize }: Preprocessing): boolean {
  return !sameSize(imageSize, resizedSize);
}
