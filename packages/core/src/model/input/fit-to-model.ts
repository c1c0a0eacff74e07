import {
  AutodiffError,
  resolve,
  type Model,
  type ResolvedModel,
  type Runtime,
} from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import { sameSize, type Size } from "../../image.ts";
import type { ImageInput } from "./image-input.ts";
import { defaultRange, isIntegerImage } from "./integer-image.ts";
import { dimsFor } from "../layout.ts";
import type { ModelMetadata } from "../model-metadata.ts";
import type { ModelOptions } from "../model-options.ts";
import { inputSizeOf, planPreprocessing, sidesOf, type Preprocessing } from "./preprocessing.ts";
import { option } from "../option.ts";

/** The image size that needs no resizing: what padding leaves of the input. */
export function ownImageSize(
  input: ImageInput,
  options: ModelOptions,
  metadata: ModelMetadata,
): Size {
  if (input.size.includes(undefined)) {
    const concrete = dimsFor(
      input.layout,
      input.batch ?? 1,
      input.channels,
      input.size.map((n) => n ?? (input.size.length === 2 ? 512 : 64)),
    );
    throw new AsmaError(
      "ERR_INPUT_DIMS",
      `Input '${input.name}' has dims [${input.dims.map((d) => d ?? "?").join(", ")}]: give concrete ones, for example ${option("dims", { [input.name]: concrete })}, or an image.`,
    );
  }
  const own = input.size as readonly number[] as Size;
  const sides = sidesOf(options.padding ?? metadata.padding, own.length);
  const inner = own.map((n, i) => n - (sides[i] as number) - (sides[i + own.length] as number));
  return options.resize ?? (inner as unknown as Size);
}

interface Fitting {
  readonly original: Model;
  readonly runtime: Runtime;
  readonly input: ImageInput;
  readonly options: ModelOptions;
  readonly metadata: ModelMetadata;
  /** Images that are seen at once; a fixed batch is filled with copies of the one. */
  readonly images: number;
}

/** Multiples that models with strides need their input to be. */
const multiples = [1, 2, 4, 8, 16, 32, 64, 128];

/**
 * Plans the preprocessing and resolves the model for what it gives. Where the model's size is dynamic
 * but it refuses the image's, the image is padded up to the smallest multiple that it takes.
 */
export async function fitToModel(
  { original, runtime, input, options, metadata, images }: Fitting,
  imageSize: Size,
): Promise<{ preprocessing: Preprocessing; dims: number[]; resolved: ResolvedModel }> {
  const { preprocessor } = options;
  const isFree =
    input.size.includes(undefined) && options.padding === undefined && options.resize === undefined;
  const fit = preprocessor?.fit(imageSize, options.resize);
  const batch = input.batch ?? images;
  let refusal: unknown;
  let before: readonly number[] = [];
  // More than the image itself would be padding: then the image is too small for the model.
  const tried = multiples.filter((n) => n <= Math.max(...imageSize));
  for (const multiple of isFree ? tried : [1]) {
    const preprocessing = planPreprocessing({
      imageSize,
      channels: input.channels,
      layout: input.layout,
      batch,
      inputSize: input.size,
      resize: options.resize ?? fit?.resize,
      resampling: preprocessor?.resampling,
      padding: options.padding,
      preprocessorPadding: fit?.padding,
      modelPadding: metadata.padding,
      multiple,
      channelOrder: options.channelOrder ?? preprocessor?.channelOrder,
      range: options.range ?? preprocessor?.range ?? metadata.range ?? defaultRange(input.dtype),
      mean: options.mean ?? (preprocessor ? preprocessor.mean : metadata.mean),
      std: options.std ?? (preprocessor ? preprocessor.std : metadata.std),
    });
    const inputSize = inputSizeOf(preprocessing);
    if (sameSize(inputSize, before)) {
      continue;
    }
    before = inputSize;
    const dims = dimsFor(input.layout, batch, input.channels, inputSize);
    try {
      const resolved = await resolveFor(original, runtime, input, dims, options);
      return { preprocessing, dims, resolved };
    } catch (error) {
      if (!(error instanceof AsmaError && error.code === "ERR_MODEL_REFUSED")) {
        throw error;
      }
      refusal ??= error;
    }
  }
  throw refusal;
}

/** Resolves a model for input dims; a size that the model cannot take is named as such. */
async function resolveFor(
  original: Model,
  runtime: Runtime,
  { name: input, dtype }: ImageInput,
  dims: readonly number[],
  options: ModelOptions,
): Promise<ResolvedModel> {
  try {
    return await resolve(original, runtime, {
      dims: { ...options.dims, [input]: dims },
      feeds: options.feeds,
      precision: options.precision,
      integerInputs: isIntegerImage(dtype) ? [input] : [],
      sessionOptions: options.sessionOptions,
    });
  } catch (cause) {
    if (!(cause instanceof AutodiffError) || cause.code !== "ERR_MODEL_REFUSED") {
      throw cause;
    }
    throw new AsmaError(
      "ERR_MODEL_REFUSED",
      `The model does not load with dims [${dims.join(", ")}] of '${input}': ${cause.message} ${cause.message.includes("not a registered") ? "Export it without custom operators" : `If the size is at fault, choose another with ${option("resize")} or ${option("padding")}`}.`,
      { cause },
    );
  }
}
