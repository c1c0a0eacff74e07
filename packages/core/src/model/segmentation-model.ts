import {
  GraphBuilder,
  readModel,
  writeModel,
  type Adaptations,
  type DataType,
  type Model,
  type ResolvedModel,
  type Runtime,
  type Session,
  type TensorType,
  type Target,
  type TrainingGraph,
  type Value,
  vectorJacobianProduct,
} from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import {
  countOf,
  sameSize,
  type ImageDims,
  type ImageTensor,
  type LabelMap,
  type Size,
} from "../image.ts";
import { openSession } from "../open-session.ts";
import { appendScores } from "./output/append-scores.ts";
import { classNamesFor } from "./output/class-names.ts";
import type { Decision } from "./decision.ts";
import { decodeLabels } from "./output/decode-labels.ts";
import { explainAdaptations, explainGrid, explainPreprocessing } from "./explain.ts";
import { fitToModel, ownImageSize } from "./input/fit-to-model.ts";
import { findImageInput } from "./input/image-input.ts";
import { chooseGrid } from "./grid/label-grid.ts";
import { isIntegerImage, roundStraightThrough } from "./input/integer-image.ts";
import { readModelMetadata } from "./model-metadata.ts";
import { loadTrainingGraph } from "./load-training-graph.ts";
import type { ModelOptions } from "./model-options.ts";
import type { OutputGrid } from "./grid/output-grid.ts";
import { findOutputHead, type OutputHead } from "./output/output-head.ts";
import { appendPreprocessing, inputSizeOf, type Preprocessing } from "./input/preprocessing.ts";
import { substituteFor, writePredictor } from "./substitute.ts";

/** What a model was taken to mean, for images of one size. */
export interface ModelDescription {
  readonly input: {
    readonly name: string;
    readonly dtype: DataType;
    readonly dims: readonly number[];
  };
  /** Channels of the user's images. */
  readonly channels: number;
  readonly preprocessing: Preprocessing;
  readonly head: OutputHead;
  readonly grid: OutputGrid;
  readonly classNames: readonly string[];
  readonly opset: number;
  /** How the differentiated model departs from the file. */
  readonly adaptations: Adaptations;
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
  /** What predicts where the runtime cannot run the original. */
  readonly #substitute: ResolvedModel | undefined;
  /** Gives the gradient instead of our own rules, if the user brought one. */
  readonly trainingGraph: TrainingGraph | undefined;
  #predictor: Promise<{ preprocess: Session; model: Session }> | undefined;

  private constructor(
    runtime: Runtime,
    options: ModelOptions,
    original: Model,
    resolved: ResolvedModel,
    description: ModelDescription,
    substitute: ResolvedModel | undefined,
    trainingGraph: TrainingGraph | undefined,
  ) {
    this.runtime = runtime;
    this.options = options;
    this.original = original;
    this.resolved = resolved;
    this.description = description;
    this.#substitute = substitute;
    this.trainingGraph = trainingGraph;
  }

  /**
   * Decides what a model means for images of `imageSize` and resolves its graph for them.
   *
   * @param model a model read by `readModel`, or the bytes of one without external data
   * @param imageSize size of the user's images; `undefined` takes the model's own input size
   * @throws AsmaError `ERR_IMAGE_INPUT`, `ERR_OUTPUT`, `ERR_CLASS`, `ERR_CLASSES`, `ERR_PREPROCESSING`,
   *   `ERR_MODEL_METADATA`; AutodiffError when the model cannot be read or resolved; for a training graph
   *   as `loadTrainingGraph` does
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
    const size = imageSize ?? ownImageSize(input, options, metadata);
    const { preprocessing, dims, resolved } = await fitToModel(
      { original, runtime, input, options, metadata },
      size,
    );
    const { adaptations } = resolved;
    decisions.push(...explainPreprocessing(preprocessing, options, metadata));
    decisions.push(...explainAdaptations(adaptations, options));
    const substitute = await substituteFor(original, resolved, runtime, input.dtype, decisions);
    const given = options.classes ?? metadata.classes;
    const found = findOutputHead(
      resolved,
      {
        options,
        inputLayout: input.layout,
        inputSize: inputSizeOf(preprocessing),
        batch: input.batch,
        classNames: given,
      },
      decisions,
    );
    const { grid, steps } = chooseGrid(found, preprocessing, options);
    decisions.push(explainGrid(grid, options));
    const trainingGraph =
      options.trainingGraph &&
      (await loadTrainingGraph(
        {
          runtime,
          resolved,
          input: input.name,
          head: found,
          preprocessing,
          trainingGraph: options.trainingGraph,
          sessionOptions: options.sessionOptions,
        },
        decisions,
      ));
    const description: ModelDescription = {
      input: { name: input.name, dtype: input.dtype, dims },
      channels: input.channels,
      preprocessing,
      head: { ...found, size: grid.size, steps },
      grid,
      classNames: classNamesFor(found, given),
      opset: original.opset,
      adaptations,
      decisions,
    };
    return new SegmentationModel(
      runtime,
      options,
      original,
      resolved,
      description,
      substitute,
      trainingGraph,
    );
  }

  /** Dims of the user's images: [1, C, H, W], of volumes [1, C, D, H, W]. */
  get imageDims(): ImageDims {
    const { preprocessing, channels } = this.description;
    return [1, channels, ...preprocessing.imageSize];
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
      const plain = appendPreprocessing(b, image, own, preprocessing);
      const isWhole = isIntegerImage(input.dtype);
      prepared = isWhole ? roundStraightThrough(b, plain, preprocessing.range) : plain;
      b.replaceInput(own, prepared);
    });
    const raw = b.value(training?.scores ?? head.scores);
    const scores = appendScores(b, head, raw);
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
    const { output, queries } = head;
    const fetches = queries === undefined ? [output] : [output, queries.classes];
    const results = await model.run({ [input.name]: prepared["input"] as never }, fetches);
    const result = results[output];
    if (result === undefined) {
      throw new AsmaError("ERR_OUTPUT", `The model gave no output '${output}'.`);
    }
    return decodeLabels(result, queries && results[queries.classes], head);
  }

  async #openPredictor(): Promise<{ preprocess: Session; model: Session }> {
    const { input, preprocessing } = this.description;
    const b = GraphBuilder.empty();
    const image = b.input("image", { dtype: "float32", dims: this.imageDims });
    const prepared = appendPreprocessing(
      b,
      image,
      this.#substitute === undefined ? input : (this.resolved.types.get(input.name) as TensorType),
      preprocessing,
    );
    b.output(prepared, "input");
    const { runtime, options, original } = this;
    const { output, queries } = this.description.head;
    const declared = new Set(original.graph.output.map(({ name }) => name));
    // An inner value becomes an output; of a declared one the model's own bytes are run.
    const inner = [output, queries?.classes].find(
      (name) => name !== undefined && !declared.has(name),
    );
    const preprocess = await openSession(
      runtime,
      writeModel(b.build().model, "embed"),
      options.sessionOptions,
      "the preprocessing",
    );
    const model = await openSession(
      runtime,
      writePredictor(original, this.#substitute, inner ?? output),
      options.sessionOptions,
      "the model",
    );
    return { preprocess, model };
  }

  /** @throws AsmaError `ERR_IMAGE_DIMS` or `ERR_IMAGE_RANGE` when an image is not one for this model */
  checkImage(image: ImageTensor): void {
    const expected = this.imageDims;
    if (!sameSize(expected, image.dims) || image.data.length !== countOf(expected)) {
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
