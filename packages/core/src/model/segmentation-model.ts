import {
  AutodiffError,
  GraphBuilder,
  readModel,
  writeModel,
  type Model,
  type ResolvedModel,
  type Runtime,
  type Target,
  type TrainingGraph,
  type Value,
} from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../errors.ts";
import { checkImageTensor, kindOf } from "../check-array.ts";
import {
  countOf,
  sameSize,
  type ImageDims,
  type ImageTensor,
  type LabelMap,
  type ScoreMap,
  type Size,
} from "../image.ts";
import { OpenOnce } from "../open-once.ts";
import { openSession, type LeasedSession } from "../open-session.ts";
import { appendModel, type AppendedModel } from "./append-model.ts";
import { batchError, checkBatch, checkSamples } from "./check-batch.ts";
import type { Decision } from "./decision.ts";
import { findImageInput } from "./input/image-input.ts";
import type { ModelDescription } from "./model-description.ts";
import type { LoadOptions, ModelOptions } from "./model-options.ts";
import { Predictor } from "./predictor.ts";
import {
  understandModel,
  type UnderstandingRequest,
  type UnderstoodModel,
} from "./understand-model.ts";

/** A loaded graph from an image to its scores. */
interface Scorer {
  readonly session: LeasedSession;
  readonly input: string;
  readonly output: string;
  release(): Promise<void>;
}

/** A segmentation model, understood for images of one size. Made by {@link SegmentationModel.load}. */
export class SegmentationModel {
  readonly runtime: Runtime;
  readonly options: ModelOptions;
  readonly resolved: ResolvedModel;
  readonly description: ModelDescription;
  readonly original: Model;
  /** Images that a graph made of the model sees at once. */
  readonly batch: number;
  /** Gives the gradient instead of our own rules, if the user brought one. */
  readonly trainingGraph: TrainingGraph | undefined;
  readonly #predictor: OpenOnce<Predictor>;
  /** One image in, its scores out. */
  readonly #scorer: OpenOnce<Scorer>;

  private constructor(
    { runtime, original, options, batch }: UnderstandingRequest,
    { resolved, description, substitute, copies }: UnderstoodModel,
    trainingGraph: TrainingGraph | undefined,
  ) {
    this.runtime = runtime;
    this.options = options;
    this.original = original;
    this.resolved = resolved;
    this.description = description;
    this.batch = batch;
    this.trainingGraph = trainingGraph;
    const { imageDims } = this;
    const request = {
      runtime,
      original,
      substitute,
      description,
      imageDims,
      batch: copies,
      options,
    };
    this.#predictor = new OpenOnce(async () => await Predictor.open(request));
    this.#scorer = new OpenOnce(async () => await this.#openScorer());
  }

  /**
   * Decides what a model means for images of `imageSize` and resolves its graph for them.
   *
   * @param model a model read by `readModel`, or the bytes of one without external data
   * @param imageSize size of the user's images; `undefined` takes the model's own input size
   * @throws AsmaError `ERR_IMAGE_INPUT`, `ERR_OUTPUT`, `ERR_CLASS`, `ERR_CLASSES`, `ERR_PREPROCESSING`,
   *   `ERR_MODEL_METADATA`, `ERR_BATCH`, `ERR_MODEL_UNREADABLE`, `ERR_IMAGE_DIMS`; AutodiffError when the model cannot be read or resolved; for a training graph
   *   as `loadTrainingGraph` does
   */
  static async load(
    runtime: Runtime,
    model: Model | Uint8Array,
    imageSize?: Size,
    { batch = 1, ...options }: LoadOptions = {},
  ): Promise<SegmentationModel> {
    checkLoadArguments(model, imageSize);
    const original = "declaredInputs" in model ? model : await readModel(model);
    const request = { runtime, original, imageSize, options, batch };
    checkBatch(batch, findImageInput(original, options, []));
    const understood =
      batch === 1 ? await understandModel(request) : await understandForBatch(request);
    const { description, resolved } = understood;
    if (options.trainingGraph === undefined) {
      return new SegmentationModel(request, understood, undefined);
    }
    const { input, head, preprocessing, decisions } = description;
    const { graph, is, because } = await options.trainingGraph.load({
      runtime,
      resolved,
      input: input.name,
      scores: head.scores,
      hasQueries: head.queries !== undefined,
      preprocessing,
      sessionOptions: options.sessionOptions,
    });
    const explained: Decision[] = [
      ...decisions,
      {
        what: "training graph",
        is,
        because,
        options: ["trainingGraph", "trainingGraph.upstreamInput", "trainingGraph.gradientOutput"],
      },
    ];
    return new SegmentationModel(
      request,
      { ...understood, description: { ...description, decisions: explained } },
      graph,
    );
  }

  /** Dims of one of the user's images: [1, C, H, W], of volumes [1, C, D, H, W]. */
  get imageDims(): ImageDims {
    const { preprocessing, channels } = this.description;
    return [1, channels, ...preprocessing.imageSize];
  }

  /** Dims of the images that are seen at once: [N, C, H, W], of volumes [N, C, D, H, W]. */
  get batchDims(): readonly [number, number, ...Size] {
    const [, ...dims] = this.imageDims;
    return [this.batch, ...dims];
  }

  /** A graph to begin from: the model itself, or the training graph that takes its place. */
  startGraph(target: Target = "any"): GraphBuilder {
    const b = new GraphBuilder(this.trainingGraph?.resolved ?? this.resolved, target);
    b.graph.output = [];
    return b;
  }

  /**
   * Puts the model behind `image` (dims {@link batchDims}) in a graph that was started with
   * {@link startGraph}: preprocessing in front of it, scores after it.
   *
   * @throws UnsupportedOperatorError from `gradientOf`, with all operators without a gradient rule
   */
  appendTo(b: GraphBuilder, image: Value): AppendedModel {
    return appendModel(b, image, this);
  }

  /**
   * What the **untouched** model predicts for one image: its own bytes in a session of their own. Where
   * the runtime lacks the kernels for its float type, the model in float32 stands in (a decision says so).
   *
   * @returns labels on the output grid
   */
  async predict(image: ImageTensor): Promise<LabelMap> {
    this.checkImage(image);
    return await (await this.open()).predict(image);
  }

  /** Loads what {@link predict} runs. @throws AsmaError `ERR_SESSION` */
  async open(): Promise<Predictor> {
    return await this.#predictor.get();
  }

  /**
   * The scores of one image that attacks raise: those of the model with its gradient (float32, as
   * `description.adaptations` says), where {@link predict} is the untouched one's.
   *
   * @throws AsmaError `ERR_SESSION`, and as {@link checkImage}; for a model of several images `ERR_BATCH`
   */
  async predictScores(image: ImageTensor): Promise<ScoreMap> {
    this.checkImage(image);
    const { data, dims } = image;
    const { session, input, output } = await this.#scorer.get();
    const results = await session.run({ [input]: new this.runtime.Tensor("float32", data, dims) });
    const scores = results[output];
    const [, ...found] = scores?.dims as unknown as readonly [number, ...ScoreMap["dims"]];
    return { data: scores?.data as Float32Array, dims: found };
  }

  async #openScorer(): Promise<Scorer> {
    const b = this.startGraph();
    const image = b.input("image", { dtype: "float32", dims: this.imageDims });
    const output = b.output(this.appendTo(b, image).scores, "scores").name;
    const written = writeModel(b.build().model, "reference");
    const { sessionOptions } = this.options;
    const session = await openSession(this.runtime, written, sessionOptions, "the scores");
    return { session, input: image.name, output, release: async () => await session.release() };
  }

  /**
   * @throws AsmaError `ERR_IMAGE_DIMS` or `ERR_IMAGE_RANGE` when an image is not one for this model,
   *   `ERR_ARRAY_DTYPE` or `ERR_ARRAY_SHAPE` when it is none at all
   */
  checkImage(image: ImageTensor): void {
    checkImageTensor(image, "the image");
    const expected = this.imageDims;
    if (!sameSize(expected, image.dims) || image.data.length !== countOf(expected)) {
      throw refusal("ERR_IMAGE_DIMS", {
        expected: `an image of dims [${expected.join(", ")}]`,
        found: `found [${image.dims.join(", ")}] with ${image.data.length} values`,
      });
    }
    const wrong = image.data.findIndex((v) => !(v >= 0 && v <= 1));
    if (wrong >= 0) {
      throw refusal("ERR_IMAGE_RANGE", {
        expected: "image values in [0, 1]",
        found: `found ${image.data[wrong]} at index ${wrong}`,
        wayOut: "divide 8-bit values by 255",
      });
    }
  }

  /** Releases the sessions of {@link predict} and {@link predictScores}. */
  async release(): Promise<void> {
    await Promise.all([this.#predictor.release(), this.#scorer.release()]);
  }
}

function checkLoadArguments(model: Model | Uint8Array, imageSize: Size | undefined): void {
  const isModel = typeof model === "object" && model !== null && "declaredInputs" in model;
  if (!isModel && kindOf(model) !== "Uint8Array") {
    throw refusal("ERR_MODEL_UNREADABLE", {
      expected: "a model as readModel gives it, or the bytes of one (Uint8Array)",
      found: `found ${kindOf(model)}`,
    });
  }
  const isSize =
    imageSize === undefined ||
    (Array.isArray(imageSize) && imageSize.every((n) => Number.isSafeInteger(n) && n > 0));
  if (!isSize) {
    throw refusal("ERR_IMAGE_DIMS", {
      expected: "the size of the images as [height, width] or [depth, height, width]",
      found: `found ${String(imageSize)}`,
    });
  }
}

/** A model for several images at once, which has to be the one that it is for one. */
async function understandForBatch(request: UnderstandingRequest): Promise<UnderstoodModel> {
  const { runtime, options, batch } = request;
  // What is at fault for one image too has an error of its own.
  const single = await understandModel({ ...request, batch: 1 });
  let several: UnderstoodModel;
  try {
    several = await understandModel(request);
  } catch (cause) {
    const hasCode = cause instanceof AsmaError || cause instanceof AutodiffError;
    throw hasCode
      ? batchError(batch, `it is refused with so many (${cause.message})`, cause)
      : cause;
  }
  await checkSamples(runtime, several, single, options.sessionOptions);
  return several;
}
