import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { Size } from "../image.ts";
import type { Layout, Padding } from "./model-options.ts";
import { appendResampling } from "./append-resampling.ts";
import { castToWhole, isIntegerImage } from "./integer-image.ts";

/** Every step from the user's pixels to the model's input, in the order in which they are done. */
export interface Preprocessing {
  /** Size of the user's image. */
  readonly imageSize: Size;
  /** Size after resizing; equal to `imageSize` when nothing is resized. */
  readonly resizedSize: Size;
  /** Pixels added at top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  readonly paddingMode: NonNullable<Padding["mode"]>;
  readonly range: readonly [number, number];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: Layout;
}

/**
 * Appends the preprocessing to a graph, so that gradients arrive at the user's own pixels: resize
 * (antialiased linear, two matrix products), pad, scale to the model's range, normalise, transpose.
 *
 * @param image float32, dims [1, C, H, W], values in [0, 1]
 * @param input the model's image input, whose dtype and dims the result has; integers are rounded to
 */
export function appendPreprocessing(
  b: GraphBuilder,
  image: Value,
  input: { readonly dtype: Value["dtype"]; readonly dims: readonly number[] },
  p: Preprocessing,
): Value {
  const channels = image.dims[1] as number;
  const [height, width] = p.resizedSize;
  let x = appendResampling(b, appendResampling(b, image, 3, width), 2, height);
  const [top, left, bottom, right] = p.padding;
  if (top + left + bottom + right > 0) {
    const pads = b.ints([0, 0, top, left, 0, 0, bottom, right]);
    x = b.op("Pad", [x, pads, b.scalar(0)], { mode: p.paddingMode });
  }
  const [low, high] = p.range;
  // low + x·(high − low), then (… − mean) / std, as one product and one sum per channel.
  const scale = Array.from({ length: channels }, (_, c) => (high - low) / at(p.std, c, 1));
  const shift = Array.from(
    { length: channels },
    (_, c) => (low - at(p.mean, c, 0)) / at(p.std, c, 1),
  );
  if (scale.some((s) => s !== 1)) {
    x = b.op("Mul", [x, b.constant("float32", [1, channels, 1, 1], scale)]);
  }
  if (shift.some((s) => s !== 0)) {
    x = b.op("Add", [x, b.constant("float32", [1, channels, 1, 1], shift)]);
  }
  if (p.layout === "NHWC") {
    x = b.transpose(x, [0, 2, 3, 1]);
  }
  return isIntegerImage(input.dtype) ? castToWhole(b, x, input.dtype) : b.cast(x, input.dtype);
}

function at(list: readonly number[], channel: number, fallback: number): number {
  return (list.length === 1 ? list[0] : list[channel]) ?? fallback;
}

/** What {@link planPreprocessing} needs to know. */
export interface PreprocessingRequest {
  readonly imageSize: Size;
  readonly channels: number;
  readonly layout: Layout;
  /** Size of the model's input, `undefined` when it is dynamic. */
  readonly inputSize: Size | undefined;
  readonly resize?: Size | undefined;
  /** Padding asked for by the user; always done. */
  readonly padding?: Padding | undefined;
  /** Padding the model says it was made with; done unless the image has the input's size already. */
  readonly modelPadding?: Padding | undefined;
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
  const { imageSize, inputSize, channels } = request;
  const isExact =
    inputSize !== undefined && inputSize[0] === imageSize[0] && inputSize[1] === imageSize[1];
  const padding =
    request.padding ?? (isExact && request.resize === undefined ? undefined : request.modelPadding);
  const sides = sidesOf(padding);
  const [top, left, bottom, right] = sides;
  const resizedSize =
    request.resize ??
    (inputSize === undefined
      ? imageSize
      : ([inputSize[0] - top - bottom, inputSize[1] - left - right] as const));
  const padded = [resizedSize[0] + top + bottom, resizedSize[1] + left + right];
  if (
    resizedSize.some((n) => !(n > 0)) ||
    (inputSize !== undefined && padded.some((n, i) => n !== inputSize[i]))
  ) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Expected an input of ${inputSize?.join("×")} pixels but resizing to ${resizedSize.join("×")} and padding by [${sides.join(", ")}] gives ${padded.join("×")}: change the resize size or the padding.`,
    );
  }
  if (padding?.mode === "reflect" && sides.some((p, i) => p >= (resizedSize[i % 2] as number))) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Reflecting needs fewer pixels than the image has, but [${sides.join(", ")}] are asked of ${resizedSize.join("×")}: use edge padding.`,
    );
  }
  for (const [name, list] of [
    ["mean", request.mean],
    ["std", request.std],
  ] as const) {
    if (list !== undefined && list.length !== 1 && list.length !== channels) {
      throw new AsmaError(
        "ERR_PREPROCESSING",
        `Expected ${channels} numbers (one per channel) or one for ${name} but found ${list.length}.`,
      );
    }
  }
  if (request.std?.some((s) => !(s > 0))) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Expected positive numbers for std but found [${request.std.join(", ")}].`,
    );
  }
  const [low, high] = request.range ?? [0, 1];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low === high) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Expected two different numbers for range but found [${low}, ${high}].`,
    );
  }
  return {
    imageSize,
    resizedSize,
    padding: sides,
    paddingMode: padding?.mode ?? "constant",
    range: [low, high],
    mean: request.mean ?? [],
    std: request.std ?? [],
    layout: request.layout,
  };
}

/** Pixels at top, left, bottom and right; zeros without padding. */
export function sidesOf(padding: Padding | undefined): readonly [number, number, number, number] {
  const pixels = padding?.pixels ?? 0;
  return typeof pixels === "number" ? [pixels, pixels, pixels, pixels] : pixels;
}
