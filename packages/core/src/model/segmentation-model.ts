import {
  AutodiffError,
  GraphBuilder,
  readModel,
  resolve,
  writeForOutput,
  writeModel,
  type Model,
  type ResolvedModel,
  type Runtime,
  type Session,
  type Target,
  type TrainingGraph,
  type Value,
  vectorJacobianProduct,
} from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import { openSession } from "../open-session.ts";
import type { ImageTensor, LabelMap, Size } from "../image.ts";
import type { Decision } from "./decision.ts";
import { decodeLabels } from "./decode-labels.ts";
import { findImageInput, type ImageInput } from "./image-input.ts";
import { readModelMetadata } from "./model-metadata.ts";
import { loadTrainingGraph } from "./load-training-graph.ts";
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
    readonly dtype: string;
    readonly dims: readonly number[];
  };
  readonly preprocessing: Preprocessing;
  readonly head: OutputHead;
  readonly grid: OutputGrid;
  readonly classNames: readonly string[];
  readonly opset: number;
  readonly decisions: readonly Decision[];
}

/** A model in a graph under construction. */
export interface AppendedModel {
  /** Scores of dims [1, K, H, W], K ≥ 2, float32; one channel z becomes [−z, z]/2. */
  readonly scores: Value;
  /**
   * Appends the gradient of ⟨upstream, scores⟩ with respect to the image; `undefined` where there is
   * none. To be called once.
   */
  readonly gradientOf: (upstream: Value) => Value | undefined;
}

/** A segmentation model, understood for images of one size. Made by {@link SegmentationModel.load}. */
export class SegmentationModel {
  readonly runtime: Runtime;
  readonly options: ModelOptions;
  readonly resolved: ResolvedModel;
  readonly description: ModelDescription;
  readonly original: Model;
  /** Gives the gradient instead of our own rules, if the user brought one. */
  readonly trainingGraph: TrainingGraph | undefined;
  #predictor: Promise<{ preprocess: Session; model: Session }> | undefined;

  private constructor(
    runtime: Runtime,
    options: ModelOptions,
    original: Model,
    resolved: ResolvedModel,
    description: ModelDescription,
    trainingGraph: TrainingGraph | undefined,
  ) {
    this.runtime = runtime;
    this.options = options;
    this.original = original;
    this.resolved = resolved;
    this.description = description;
    this.trainingGraph = trainingGraph;
  }

  /**
   * Decides what a model means for images of `imageSize` and resolves its graph for them.
   *
   * @param model a model read by `readModel`, or the bytes of one without external data
   * @param imageSize size of the user's images; `undefined` takes the model's own input size
   * @throws AsmaError `ERR_IMAGE_INPUT`, `ERR_OUTPUT`, `ERR_PREPROCESSING`, `ERR_MODEL_METADATA`;
   *   AutodiffError when the model cannot be read or resolved; for a training graph as
   *   `loadTrainingGraph` does
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
      range: options.range ?? metadata.range,
      mean: options.mean ?? metadata.mean,
      std: options.std ?? metadata.std,
    });
    decisions.push(...explainPreprocessing(preprocessing, options, metadata.padding !== undefined));
    const dims = inputDims(input, preprocessing);
    const resolved = await resolveFor(original, runtime, input.name, dims, options);
    const head = findOutputHead(resolved, input.layout, options, decisions);
    const grid = outputGrid(sizeOf(dims, input), head.size, preprocessing);
    decisions.push({
      what: "output grid",
      is: `${head.size.join("×")}, ${{ same: "the input's own", crop: "the centre of the input", scaled: "the whole input at another scale" }[grid.kind]}`,
      because: "from the sizes of input and output",
      override: "a target of the output grid's own size",
    });
    const classNames = classNamesOf(head.classes, options.classes ?? metadata.classes);
    const trainingGraph =
      options.trainingGraph &&
      (await loadTrainingGraph(
        {
          runtime,
          resolved,
          input: input.name,
          head,
          preprocessing,
          trainingGraph: options.trainingGraph,
          sessionOptions: options.sessionOptions,
        },
        decisions,
      ));
    const description = {
      input: { name: input.name, dtype: input.dtype, dims },
      preprocessing,
      head,
      grid,
      classNames,
      opset: original.opset,
      decisions,
    };
    return new SegmentationModel(runtime, options, original, resolved, description, trainingGraph);
  }

  /** Dims of the user's images: [1, C, H, W]. */
  get imageDims(): readonly [1, number, number, number] {
    const { imageSize, layout } = this.description.preprocessing;
    const { dims } = this.description.input;
    return [1, dims[layout === "NCHW" ? 1 : 3] as number, imageSize[0], imageSize[1]];
  }

  /** A graph to begin from: the model itself, or the training graph that takes its place. */
  startGraph(target: Target = "any"): GraphBuilder {
    const b = new GraphBuilder(this.trainingGraph?.resolved ?? this.resolved, target);
    b.graph.output = [];
    return b;
  }

  /**
   * Puts the model behind `image` (dims {@link imageDims}) in a graph that was started with
   * {@link startGraph}: preprocessing in front of it, scores after it.
   *
   * @throws UnsupportedOperatorError from `gradientOf`, with all operators without a gradient rule
   */
  appendTo(b: GraphBuilder, image: Value): AppendedModel {
    const { input, preprocessing, head } = this.description;
    const training = this.trainingGraph;
    const own = b.value(training?.image ?? input.name);
    let prepared = image;
    b.prepend(() => {
      prepared = appendPreprocessing(b, image, own, preprocessing);
      b.replaceInput(own, prepared);
    });
    const raw = b.value(training?.scores ?? head.scores);
    const scores = this.#appendClasses(b, raw);
    const gradient = (value: Value, upstream: Value, by: Value) =>
      vectorJacobianProduct(b, [{ value, upstream }], [by])[0];
    const gradientOf = (upstream: Value): Value | undefined => {
      if (training === undefined) {
        return gradient(scores, upstream, image);
      }
      const seed = gradient(scores, upstream, raw) as Value;
      b.replaceInput(b.value(training.upstream), seed);
      return gradient(prepared, b.value(training.gradient), image);
    };
    return { scores, gradientOf };
  }

  #appendClasses(b: GraphBuilder, raw: Value): Value {
    const { head } = this.description;
    const scores = b.cast(raw, "float32");
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
   * What the **untouched** model predicts for an image: its own bytes in a session of their own.
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
      { dtype: input.dtype as Value["dtype"], dims: input.dims },
      preprocessing,
    );
    b.output(prepared, "input");
    const { runtime, options, original } = this;
    const preprocess = await openSession(
      runtime,
      writeModel(b.build().model, "embed"),
      options.sessionOptions,
      "the preprocessing",
    );
    const model = await openSession(
      runtime,
      writeForOutput(original, this.description.head.output),
      options.sessionOptions,
      "the model",
    );
    return { preprocess, model };
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

/** Resolves a model for input dims; a size that the model cannot take is named as such. */
async function resolveFor(
  original: Model,
  runtime: Runtime,
  input: string,
  dims: readonly number[],
  options: ModelOptions,
): Promise<ResolvedModel> {
  try {
    return await resolve(original, runtime, {
      dims: { ...options.dims, [input]: dims },
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
