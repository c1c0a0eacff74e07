import type { Model } from "@onnx-asma/autodiff";
import {
  toImageTensor,
  type AttackChoice,
  type AttackResult,
  type AttackRun,
  type AttackStep,
  type BatchResult,
  type BatchStep,
  type ImageInput,
  type ImageLike,
  type LabelMap,
  type LabelsLike,
  type ModelDescription,
  type ModelHandle,
  type ModelOptions,
  type ScoreMap,
  type Size,
  type Verification,
  type VerifyOptions,
  type Workbench,
} from "@onnx-asma/core";
import { checkOptions, verifyOptionEntries } from "@onnx-asma/core/check-options";
import { encodeImage } from "@onnx-asma/core/png";
import type { FileRecord, ModelSources } from "@onnx-asma/core/result-record";
import { recordModelFiles } from "./file-record.ts";
import type { FileImage } from "@onnx-asma/core/picture-file";
import { decodeImage, readImage, type ReadImageOptions } from "./images/read-image.ts";

/** A loaded model in Node; made by `loadModel`. Images come from paths, verdicts also from bytes. */
export class LoadedModel implements ModelHandle<string, string | Uint8Array> {
  readonly input: ImageInput;
  readonly #bench: Workbench;
  readonly #preprocessor: FileRecord | undefined;
  #sources: ModelSources | undefined;

  /** @param preprocessor the file that it was read from, if it was */
  constructor(bench: Workbench, preprocessor: FileRecord | undefined) {
    this.input = bench.input;
    this.#bench = bench;
    this.#preprocessor = preprocessor;
  }

  /** The model as it was read. */
  get model(): Model {
    return this.#bench.model;
  }

  /** How it is understood. */
  get options(): ModelOptions {
    return this.#bench.options;
  }

  /** The files that it was loaded from; their content is hashed when this is first asked for. */
  get sources(): ModelSources {
    return (this.#sources ??= this.#recordSources());
  }

  /**
   * Reads an image file with the channels that the model takes; for volumes an `.npy` file.
   *
   * @throws AsmaError as `readImage` of this package
   */
  async readImage(path: string): Promise<FileImage> {
    return await readImage(path, this.#imageOptions);
  }

  /** See {@link ModelHandle.describe}. */
  async describe(size?: Size): Promise<ModelDescription> {
    return await this.#bench.describe(size);
  }

  /**
   * Why the model cannot be attacked by gradients; `undefined` if it can.
   *
   * @param size of images; without one, the model's own
   */
  async gradientProblem(size?: Size): Promise<unknown> {
    return await this.#bench.gradientProblem(size);
  }

  /** See {@link ModelHandle.predict}. */
  async predict(image: ImageLike): Promise<LabelMap> {
    return await this.#bench.predict(image);
  }

  /** See {@link ModelHandle.predictScores}. */
  async predictScores(image: ImageLike): Promise<ScoreMap> {
    return await this.#bench.predictScores(image);
  }

  /** See {@link ModelHandle.attack}. */
  async attack(
    image: ImageLike,
    target: LabelsLike,
    choice?: AttackChoice,
  ): Promise<AttackRun<AttackStep, AttackResult>> {
    return await this.#bench.attack(image, target, choice);
  }

  /** See {@link ModelHandle.attackBatch}. */
  async attackBatch(
    images: readonly ImageLike[],
    targets: readonly LabelsLike[],
    choice?: AttackChoice,
  ): Promise<AttackRun<BatchStep, BatchResult>> {
    return await this.#bench.attackBatch(images, targets, choice);
  }

  /**
   * Judges an image, or the file it was saved to, by the untouched model.
   *
   * @param file path or bytes of an image file, which is decoded as {@link readImage} does, or an image
   * @param target labels of the output grid's size or of the image's
   * @throws AsmaError `ERR_OPTION` for options that do not exist
   */
  async verify(
    file: ImageLike | string | Uint8Array,
    target: LabelsLike,
    options: VerifyOptions,
  ): Promise<Verification> {
    checkOptions(verifyOptionEntries, options ?? {}, "verify");
    return await this.#bench.verify(await this.#decode(file), target, options);
  }

  /**
   * The bytes of an image file: PNG where one can hold the image, otherwise `.npy`; see `encodeImage`.
   *
   * @throws AsmaError `ERR_IMAGE_RANGE`, `ERR_ARRAY_SHAPE`
   */
  async encode(image: ImageLike): Promise<Uint8Array> {
    return encodeImage(toImageTensor(image, this.input.size.length));
  }

  /** See {@link ModelHandle.release}. */
  async release(): Promise<void> {
    await this.#bench.release();
  }

  get #imageOptions(): ReadImageOptions {
    const { channels, size } = this.input;
    return { channels, spatialAxes: size.length === 3 ? 3 : 2 };
  }

  async #decode(file: ImageLike | string | Uint8Array): Promise<ImageLike> {
    if (typeof file === "string") {
      return await this.readImage(file);
    }
    if (!(file instanceof Uint8Array)) {
      return file;
    }
    const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    return await decodeImage(bytes, "the image to verify", this.#imageOptions);
  }

  #recordSources(): ModelSources {
    const [model, ...externalData] = recordModelFiles(this.model);
    const graph = this.options.trainingGraph?.options.model;
    return {
      model,
      externalData,
      preprocessor: this.#preprocessor,
      trainingGraph: graph && recordModelFiles(graph),
    };
  }
}
