import * as ort from "onnxruntime-node";
import type { Model, Runtime } from "@onnx-asma/autodiff";
import {
  asma,
  describeImageInput,
  fitTarget,
  prepareAsma,
  sameSize,
  sizeOf,
  SegmentationModel,
  type AsmaOptions,
  type AsmaSession,
  type AsmaSessionOptions,
  type AttackRun,
  type ImageTensor,
  type LabelMap,
  type ModelOptions,
  type Size,
  type TrainingGraphOptions,
} from "@onnx-asma/core";
import { checkProviders } from "./check-providers.ts";
import { fromNdarray, type NdarrayLike } from "./images/ndarray.ts";
import { readImage } from "./images/read-image.ts";
import { graphTarget } from "./graph-target.ts";
import { readModelFile } from "./read-model-file.ts";
import { readTrainingGraph } from "./read-training-graph.ts";

/** Options of {@link createAttack}: how the model is understood, and which attack is built. */
export interface CreateAttackOptions
  extends Omit<ModelOptions, "trainingGraph">, AsmaSessionOptions {
  /**
   * Gives the gradient instead of our own rules: path of a training graph of the model, or one read
   * before with the names of its values. Predictions stay those of the model itself.
   */
  readonly trainingGraph?: string | TrainingGraphOptions | undefined;
}

type PreparedOptions = ModelOptions & AsmaSessionOptions;

/**
 * An image as typed array and dims, or as an ndarray of shape [C, H, W] or [1, C, H, W]; of volumes
 * [C, D, H, W] or [1, C, D, H, W].
 */
export type ImageInput = ImageTensor | NdarrayLike<Float32Array>;

/** A target as typed array and dims, or as an ndarray of shape [H, W] or [D, H, W]. */
export type TargetInput = LabelMap | NdarrayLike<Int32Array>;

/**
 * Loads a model for attacks in Node.
 *
 * @param model path of an ONNX file, or a model read before
 * @example
 * const attack = await createAttack("unet.onnx");
 * const image = await attack.readImage("scan.png");
 * const run = await attack.run(image, target);
 * for await (const { step, iou } of run) console.log(step, iou);
 */
export async function createAttack(
  model: string | Model,
  options: CreateAttackOptions = {},
): Promise<Attack> {
  checkProviders(options.sessionOptions);
  const { trainingGraph: given, ...rest } = options;
  const trainingGraph = await readTrainingGraph(given, options.sessionOptions);
  const read = typeof model === "string" ? await readModelFile(model) : model;
  return new Attack(read, { ...rest, trainingGraph });
}

/** A model ready to be attacked. Sessions are built for the size of the first image and kept for it. */
export class Attack {
  readonly #model: Model;
  readonly #options: PreparedOptions;
  #prepared: { size: Size; model: SegmentationModel; session: AsmaSession | undefined } | undefined;

  constructor(model: Model, options: PreparedOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Reads an image file with the channels that the model takes; for volumes an `.npy` file. */
  async readImage(path: string): Promise<ImageTensor> {
    const { channels, size } = describeImageInput(this.#model, this.#options);
    return await readImage(path, { channels, spatialAxes: size.length === 3 ? 3 : 2 });
  }

  /** What the model means for images of a size; without one, of its own input size. */
  async model(size?: Size): Promise<SegmentationModel> {
    return (await this.#prepare(size)).model;
  }

  /** What the untouched model predicts for an image, on its output grid. */
  async predict(image: ImageInput): Promise<LabelMap> {
    const tensor = this.#toImageTensor(image);
    return await (await this.model(sizeOf(tensor))).predict(tensor);
  }

  /**
   * Starts an attack.
   *
   * @param target labels of the output grid's size or of the image's
   * @throws AsmaError for input that does not fit, see `asma`
   */
  async run(image: ImageInput, target: TargetInput, options: AsmaOptions = {}): Promise<AttackRun> {
    const tensor = this.#toImageTensor(image);
    const session = await this.session(sizeOf(tensor));
    const fitted = fitTarget(toLabelMap(target), session.step.model.description);
    return asma(session, { image: tensor, target: fitted }, options);
  }

  /** The loaded step graph for images of a size. */
  async session(size: Size): Promise<AsmaSession> {
    const prepared = await this.#prepare(size);
    prepared.session ??= await prepareAsma(prepared.model, {
      target: graphTarget(this.#options.sessionOptions),
      ...this.#options,
    });
    return prepared.session;
  }

  /** Releases all sessions. */
  async release(): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    await prepared?.session?.step.release();
    await prepared?.model.release();
  }

  #toImageTensor(image: ImageInput): ImageTensor {
    if ("dims" in image) {
      return image;
    }
    const { data, dims } = fromNdarray(image);
    const { size } = describeImageInput(this.#model, this.#options);
    const hasBatch = dims.length === size.length + 2;
    return { data, dims: (hasBatch ? dims : [1, ...dims]) as unknown as ImageTensor["dims"] };
  }

  async #prepare(size: Size | undefined) {
    const known = this.#prepared;
    if (known !== undefined && (size === undefined || sameSize(size, known.size))) {
      return known;
    }
    await this.release();
    const model = await SegmentationModel.load(ort as Runtime, this.#model, size, this.#options);
    this.#prepared = { size: model.description.preprocessing.imageSize, model, session: undefined };
    return this.#prepared;
  }
}

function toLabelMap(target: TargetInput): LabelMap {
  if ("dims" in target) {
    return target;
  }
  const { data, dims } = fromNdarray(target);
  return { data, dims: dims as unknown as LabelMap["dims"] };
}
