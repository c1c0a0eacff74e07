import {
  AutodiffError,
  GraphBuilder,
  isFloat,
  readModel,
  resolve,
  writeForOutput,
  writeModel,
  type Adaptations,
  type Model,
  type ResolvedModel,
  type Runtime,
  type DataType,
  type Session,
  type TensorType,
  type Value,
  type WrittenModel,
} from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import { openSession } from "../open-session.ts";
import type { ImageTensor, LabelMap, Size } from "../image.ts";
import type { Decision } from "./decision.ts";
import { decodeLabels } from "./decode-labels.ts";
import { findImageInput, type ImageInput } from "./image-input.ts";
import { readModelMetadata } from "./model-metadata.ts";
import { defaultRange, isIntegerImage, roundStraightThrough } from "./integer-image.ts";
import type { ModelOptions, Padding } from "./model-options.ts";
import { outputGrid, type OutputGrid } from "./output-grid.ts";
import { findOutputHead, type OutputHead } from "./output-head.ts";
import {
  appendPreprocessing,
  planPreprocessing,
  sidesOf,
  type Preprocessing,
} from "./preprocessing.ts";

/** What a model was taken to mean, for images of one size. */
export interface ModelDescription {
  readonly input: {
    readonly name: string;
    readonly dtype: DataType;
    readonly dims: readonly number[];
  };
  readonly preprocessing: Preprocessing;
  readonly head: OutputHead;
  readonly grid: OutputGrid;
  readonly classNames: readonly string[];
  readonly opset: number;
  /** How the differentiated model departs from the file. */
  readonly adaptations: Adaptations;
  readonly decisions: readonly Decision[];
}

/** A segmentation model, understood for images of one size. Made by {@link SegmentationModel.load}. */
export class SegmentationModel {
  readonly runtime: Runtime;
  readonly options: ModelOptions;
  readonly resolved: ResolvedModel;
  readonly description: ModelDescription;
  readonly original: Model;
  /** What predicts where the runtime cannot run the original. */
  readonly #substitute: ResolvedModel | undefined;
  #predictor: Promise<{ preprocess: Session; model: Session }> | undefined;

  private constructor(
    runtime: Runtime,
    options: ModelOptions,
    original: Model,
    resolved: ResolvedModel,
    description: ModelDescription,
    substitute: ResolvedModel | undefined,
  ) {
    this.runtime = runtime;
    this.options = options;
    this.original = original;
    this.resolved = resolved;
    this.description = description;
    this.#substitute = substitute;
  }

  /**
   * Decides what a model means for images of `imageSize` and resolves its graph for them.
   *
   * @param model a model read by `readModel`, or the bytes of one without external data
   * @param imageSize size of the user's images; `undefined` takes the model's own input size
   * @throws AsmaError `ERR_IMAGE_INPUT`, `ERR_OUTPUT`, `ERR_PREPROCESSING`, `ERR_MODEL_METADATA`;
   *   AutodiffError when the model cannot be read or resolved
   */
  static async load(
    runtime: Runtime,
    model: Model | Uint8Array,
    imageSize?: Size,
    options: ModelOptions = {},
  ): Promise<SegmentationModel> {
    const original = model instanceof Uint8Array ? await readModel(model) : model;
    const metadata = readModelMetadata(original);
    const decisions: Decision[] = [];
    const input = findImageInput(original, options, decisions);
    if (isIntegerImage(input.dtype) && (options.mean ?? options.std) !== undefined) {
      throw new AsmaError(
        "ERR_PREPROCESSING",
        `Input '${input.name}' takes whole numbers (${input.dtype}), which the model normalises itself: leave mean and std out.`,
      );
    }
    const preprocessing = planPreprocessing({
      imageSize: imageSize ?? ownImageSize(input, options, metadata.padding),
      channels: input.channels,
      layout: input.layout,
      inputSize:
        input.height === undefined || input.width === undefined
          ? undefined
          : [input.height, input.width],
      resize: options.resize,
      padding: options.padding,
      modelPadding: metadata.padding,
      range: options.range ?? metadata.range ?? defaultRange(input.dtype),
      mean: options.mean ?? metadata.mean,
      std: options.std ?? metadata.std,
    });
    decisions.push(...explainPreprocessing(preprocessing, options, metadata.padding !== undefined));
    const dims = inputDims(input, preprocessing);
    const resolved = await resolveFor(original, runtime, input, dims, options);
    const { adaptations } = resolved;
    decisions.push(...explainAdaptations(adaptations, options));
    const substitute = await substituteFor(original, resolved, runtime, input, decisions);
    const head = findOutputHead(resolved, input.layout, options, decisions);
    const grid = outputGrid(sizeOf(dims, input), head.size, preprocessing);
    decisions.push({
      what: "output grid",
      is: `${head.size.join("×")}, ${{ same: "the input's own", crop: "the centre of the input", scaled: "the whole input at another scale" }[grid.kind]}`,
      because: "from the sizes of input and output",
      override: "a target of the output grid's own size",
    });
    const classNames = classNamesOf(head.classes, options.classes ?? metadata.classes);
    const description: ModelDescription = {
      input: { name: input.name, dtype: input.dtype, dims },
      preprocessing,
      head,
      grid,
      classNames,
      opset: original.opset,
      adaptations,
      decisions,
    };
    return new SegmentationModel(runtime, options, original, resolved, description, substitute);
  }

  /** Dims of the user's images: [1, C, H, W]. */
  get imageDims(): readonly [1, number, number, number] {
    const { imageSize, layout } = this.description.preprocessing;
    const { dims } = this.description.input;
    return [1, dims[layout === "NCHW" ? 1 : 3] as number, imageSize[0], imageSize[1]];
  }

  /**
   * Puts the model behind `image` (dims {@link imageDims}) in a graph under construction that was
   * started from {@link resolved}: preprocessing in front of it, scores after it.
   *
   * @returns scores of dims [1, K, H, W], K ≥ 2, float32; one channel z becomes [−z, z]/2
   */
  appendTo(b: GraphBuilder, image: Value): Value {
    const { input, preprocessing, head } = this.description;
    const own = b.value(input.name);
    b.prepend(() => {
      const prepared = appendPreprocessing(b, image, own, preprocessing);
      const isWhole = isIntegerImage(input.dtype);
      b.replaceInput(
        own,
        isWhole ? roundStraightThrough(b, prepared, preprocessing.range) : prepared,
      );
    });
    const scores = b.cast(dequantized(b, b.value(head.scores)), "float32");
    const [height, width] = head.size;
    if (head.classAxis === 1) {
      return scores;
    }
    if (head.classAxis !== undefined) {
      return b.transpose(scores, [0, 3, 1, 2]);
    }
    const z = b.reshape(scores, [1, 1, height, width]);
    const centred = head.border === 0 ? z : b.op("Sub", [z, b.scalar(head.border)]);
    const half = b.op("Mul", [centred, b.scalar(0.5)]);
    return b.op("Concat", [b.op("Neg", [half]), half], { axis: 1 });
  }

  /**
   * What the **untouched** model predicts for an image: its own bytes in a session of their own. Where
   * the runtime lacks the kernels for its float type, the model in float32 stands in (a decision says so).
   *
   * @returns labels on the output grid
   */
  async predict(image: ImageTensor): Promise<LabelMap> {
    this.checkImage(image);
    this.#predictor ??= this.#openPredictor();
    const { preprocess, model } = await this.#predictor;
    const { input, head } = this.description;
    const { Tensor } = this.runtime;
    const prepared = await preprocess.run({ image: new Tensor("float32", image.data, image.dims) });
    const results = await model.run({ [input.name]: prepared["input"] as never }, [head.output]);
    const result = results[head.output];
    if (result === undefined) {
      throw new AsmaError("ERR_OUTPUT", `The model gave no output '${head.output}'.`);
    }
    return decodeLabels(result, head);
  }

  async #openPredictor(): Promise<{ preprocess: Session; model: Session }> {
    const { input, preprocessing } = this.description;
    const b = GraphBuilder.empty();
    const image = b.input("image", { dtype: "float32", dims: this.imageDims });
    const prepared = appendPreprocessing(
      b,
      image,
      this.#substitute === undefined ? input : this.#ownInput(),
      preprocessing,
    );
    b.output(prepared, "input");
    const { runtime, options, original } = this;
    const { output } = this.description.head;
    const preprocess = await openSession(
      runtime,
      writeModel(b.build().model, "embed"),
      options.sessionOptions,
      "the preprocessing",
    );
    const model = await openSession(
      runtime,
      this.#substitute === undefined
        ? writeForOutput(original, output)
        : writeResolved(this.#substitute, output),
      options.sessionOptions,
      "the model",
    );
    return { preprocess, model };
  }

  /** The image input of the resolved model, which may have another dtype than the original's. */
  #ownInput(): TensorType {
    return this.resolved.types.get(this.description.input.name) as TensorType;
  }

  /** @throws AsmaError `ERR_IMAGE_DIMS` or `ERR_IMAGE_RANGE` when an image is not one for this model */
  checkImage(image: ImageTensor): void {
    const expected = this.imageDims;
    const count = expected.reduce((product, d) => product * d, 1);
    if (
      image.dims.length !== 4 ||
      expected.some((d, i) => d !== image.dims[i]) ||
      image.data.length !== count
    ) {
      throw new AsmaError(
        "ERR_IMAGE_DIMS",
        `Expected an image of dims [${expected.join(", ")}] but found [${image.dims.join(", ")}] with ${image.data.length} values.`,
      );
    }
    const wrong = image.data.findIndex((v) => !(v >= 0 && v <= 1));
    if (wrong >= 0) {
      throw new AsmaError(
        "ERR_IMAGE_RANGE",
        `Expected image values in [0, 1] but found ${image.data[wrong]} at index ${wrong}: divide 8-bit values by 255.`,
      );
    }
  }

  /** Releases the sessions of {@link predict}. */
  async release(): Promise<void> {
    const predictor = await this.#predictor;
    this.#predictor = undefined;
    await predictor?.preprocess.release();
    await predictor?.model.release();
  }
}

/** What stands in for a model whose own file the runtime cannot run, with the reason. */
async function substituteFor(
  original: Model,
  resolved: ResolvedModel,
  runtime: Runtime,
  input: ImageInput,
  decisions: Decision[],
): Promise<ResolvedModel | undefined> {
  const { floats } = resolved.adaptations;
  const isRunnable =
    !floats.includes("float64") &&
    (!floats.includes("bfloat16") ||
      (input.dtype !== "bfloat16" && (await isLoadable(original, runtime))));
  if (isRunnable) {
    return undefined;
  }
  decisions.push({
    what: "verdict",
    is: "by the model in float32, not by the file itself",
    because: `ONNX Runtime cannot run it in ${floats.join(", ")}`,
    override: "a model exported in float32",
  });
  return resolved;
}

/** A resolved model with one of its values among its outputs. */
function writeResolved(resolved: ResolvedModel, output: string): WrittenModel {
  const b = new GraphBuilder(resolved);
  if (!b.graph.output.some(({ name }) => name === output)) {
    b.output(b.value(output));
  }
  return writeModel(b.build().model, "reference");
}

async function isLoadable(model: Model, runtime: Runtime): Promise<boolean> {
  const [name = ""] = model.graph.output.map((output) => output.name);
  try {
    const written = writeForOutput(model, name);
    await (await openSession(runtime, written, undefined, "the model")).release();
    return true;
  } catch {
    return false;
  }
}

function explainAdaptations(
  { floats, integerInputs, quantized }: Adaptations,
  options: ModelOptions,
): Decision[] {
  const decisions: Decision[] = [];
  if (floats.length > 0 || options.precision === "model") {
    decisions.push({
      what: "precision",
      is: floats.length > 0 ? `float32, where the model has ${floats.join(", ")}` : "the model's",
      because: options.precision === undefined ? "gradients need the range" : "as told",
      override: "--precision",
    });
  }
  for (const [name, dtype] of Object.entries(integerInputs)) {
    decisions.push({
      what: "whole numbers",
      is: `'${name}' is rounded to ${dtype}; gradients pass straight through`,
      because: "the model takes integers",
      override: "a model that takes floats",
    });
  }
  if (quantized > 0) {
    decisions.push({
      what: "quantization",
      is: `straight-through gradient at ${quantized} quantized activations`,
      because: "the model is quantized, and rounding has no gradient of its own",
      override: "the float model that it was made from",
    });
  }
  return decisions;
}

/** Float scores as they are, quantized ones by the scale and zero point that made them. */
function dequantized(b: GraphBuilder, scores: Value): Value {
  const [, ...parameters] = b.producer(scores)?.input ?? [];
  return isFloat(scores.dtype)
    ? scores
    : b.op("DequantizeLinear", [scores, ...parameters.map((name) => b.value(name))]);
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
      `The model does not load with dims [${dims.join(", ")}] of '${input}': ${cause.message} If the size is at fault, choose another with --resize or --padding.`,
      { cause },
    );
  }
}

/** The image size that needs no resizing: what padding leaves of the input. */
function ownImageSize(
  input: ImageInput,
  options: ModelOptions,
  modelPadding: Padding | undefined,
): Size {
  if (input.height === undefined || input.width === undefined) {
    throw new AsmaError(
      "ERR_INPUT_DIMS",
      `Input '${input.name}' has dims [${input.dims.map((d) => d ?? "?").join(", ")}]: give concrete ones, for example --shape ${input.name}=1,${input.channels},512,512, or an image.`,
    );
  }
  const [top, left, bottom, right] = sidesOf(options.padding ?? modelPadding);
  return options.resize ?? [input.height - top - bottom, input.width - left - right];
}

function inputDims(input: ImageInput, { resizedSize, padding, layout }: Preprocessing): number[] {
  const height = resizedSize[0] + padding[0] + padding[2];
  const width = resizedSize[1] + padding[1] + padding[3];
  return layout === "NCHW"
    ? [1, input.channels, height, width]
    : [1, height, width, input.channels];
}

function sizeOf(dims: readonly number[], { layout }: ImageInput): Size {
  const [, a, b, c] = dims as readonly [number, number, number, number];
  return layout === "NCHW" ? [b, c] : [a, b];
}

function classNamesOf(classes: number, given: readonly string[] | undefined): string[] {
  if (given !== undefined && given.length !== classes) {
    throw new AsmaError(
      "ERR_CLASSES",
      `Expected ${classes} class names, one per class of the output, but found ${given.length}: ${given.join(", ")}.`,
    );
  }
  return given === undefined ? Array.from({ length: classes }, (_, c) => `class ${c}`) : [...given];
}

function explainPreprocessing(
  p: Preprocessing,
  options: ModelOptions,
  hasModelPadding: boolean,
): Decision[] {
  const isResized = p.resizedSize.some((n, i) => n !== p.imageSize[i]);
  const isPadded = p.padding.some((n) => n > 0);
  const told = (name: keyof ModelOptions, otherwise: string) =>
    options[name] === undefined ? otherwise : "as told";
  return [
    {
      what: "resize",
      is: isResized
        ? `${p.imageSize.join("×")} to ${p.resizedSize.join("×")}, linear, antialiased`
        : "none",
      because: told("resize", isResized ? "the model's input size is fixed" : "the image fits"),
      override: "--resize",
    },
    {
      what: "padding",
      is: isPadded
        ? `[${p.padding.join(", ")}] (top, left, bottom, right), ${p.paddingMode}`
        : "none",
      because: told(
        "padding",
        isPadded
          ? "from the model's metadata"
          : hasModelPadding
            ? "the image has the input's size already"
            : "none asked for",
      ),
      override: "--padding",
    },
    {
      what: "values",
      is: `black ${p.range[0]}, white ${p.range[1]}${p.mean.length > 0 ? `, mean [${p.mean.join(", ")}]` : ""}${p.std.length > 0 ? `, std [${p.std.join(", ")}]` : ""}`,
      because:
        (options.range ?? options.mean ?? options.std)
          ? "as told"
          : "the default, or the model's metadata",
      override: "--range, --mean, --std",
    },
  ];
}
