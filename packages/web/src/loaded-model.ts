import {
  AsmaError,
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
  type ScoreMap,
  type Size,
  type Verification,
  type VerifyOptions,
} from "@onnx-asma/core";
import type { ClassOptions } from "@onnx-asma/core/mask-file";
import { checkOptions, verifyOptionEntries } from "@onnx-asma/core/check-options";
import { Parcel } from "./copy-in-slices.ts";
import { toPixelSource, type ImageSource } from "./images/to-pixel-source.ts";
import { sendAttack, type PageAttack } from "./send-attack.ts";
import { beginBatchRun, beginRun } from "./remote-run.ts";
import type { Backend, ReadImage } from "./messages.ts";
import type { WorkerClient } from "./worker/worker-client.ts";

/** A model in a worker of its own; see `ModelHandle`. */
export class LoadedModel implements ModelHandle<ImageSource, Uint8Array> {
  readonly input: ImageInput;
  readonly #client: WorkerClient;
  readonly #backend: () => Backend;

  /** Made by `loadModel`. */
  constructor(client: WorkerClient, input: ImageInput, backend: () => Backend) {
    this.#client = client;
    this.input = input;
    this.#backend = backend;
  }

  /** What computes the steps; changes when WebGPU turns out not to work for this model. */
  get backend(): Backend {
    return this.#backend();
  }

  /** What ended the worker, if it has ended: then only loading the model again helps. */
  get failure(): AsmaError | undefined {
    return this.#client.end;
  }

  /** Height and width (of volumes depth, height, width) of the model's input; `undefined` where any size will do. */
  get imageSize(): Size | undefined {
    const [first, second, third] = this.input.size;
    if (first === undefined || second === undefined || this.input.size.includes(undefined)) {
      return undefined;
    }
    return third === undefined ? [first, second] : [first, second, third];
  }

  /**
   * Reads an image with the channels that the model takes: a picture or an `.npy` array, which alone holds
   * volumes and other numbers of channels. The formats are those of Node; of several pages the first one counts.
   *
   * @throws AsmaError `ERR_IMAGE_UNREADABLE`, `ERR_IMAGE_TOO_LARGE`, `ERR_IMAGE_ALPHA`, `ERR_IMAGE_CHANNELS`,
   *   `ERR_IMAGE_COLOUR_SPACE`, `ERR_IMAGE_BIT_DEPTH`, `ERR_IMAGE_RANGE`
   */
  async readImage(source: ImageSource): Promise<ReadImage> {
    const pixels = await toPixelSource(source);
    const isOurs = pixels instanceof ImageBitmap;
    return await this.#client.call("readImage", { pixels }, isOurs ? [pixels] : []);
  }

  /**
   * Reads a target mask from a file of labels: a picture that is not lossy, or an `.npy` array.
   *
   * @param options how many classes there are, and which value of the file is which
   * @throws AsmaError `ERR_MASK_VALUES`, `ERR_TARGET_CLASS`, `ERR_IMAGE_LOSSY`, `ERR_ARRAY_SHAPE`, `ERR_ARRAY_DTYPE`,
   *   `ERR_OPTION`, and as {@link readImage}
   */
  async readMask(file: Blob, options: ClassOptions): Promise<LabelMap> {
    return await this.#client.call("readMask", { file, options });
  }

  async describe(size?: Size): Promise<ModelDescription> {
    return await this.#client.call("describe", { size });
  }

  async predict(image: ImageLike): Promise<LabelMap> {
    const parcel = new Parcel();
    const copy = await parcel.add(image, "the image");
    return await this.#client.call("predict", { image: copy }, parcel.transfer);
  }

  async predictScores(image: ImageLike): Promise<ScoreMap> {
    const parcel = new Parcel();
    const copy = await parcel.add(image, "the image");
    return await this.#client.call("predictScores", { image: copy }, parcel.transfer);
  }

  /**
   * Starts an attack; the next step is computed when it is asked for, so that not asking is pausing.
   *
   * @param choice plain data, but for an `AbortSignal`: it stops the attack within one step, also while
   *   nobody asks for steps
   * @throws AsmaError as in `ModelHandle`
   */
  async attack(
    image: ImageLike,
    target: LabelsLike,
    choice: AttackChoice = {},
  ): Promise<AttackRun<AttackStep, AttackResult>> {
    return await beginRun(this.#client, { images: [image], targets: [target], choice });
  }

  async attackBatch(
    images: readonly ImageLike[],
    targets: readonly LabelsLike[],
    choice: AttackChoice = {},
  ): Promise<AttackRun<BatchStep, BatchResult>> {
    return await beginBatchRun(this.#client, { images, targets, choice });
  }

  /**
   * Judges an image, or the bytes of its file (PNG or `.npy`), by the untouched model. Bytes are decoded as
   * they are, without a canvas.
   *
   * @param target labels of the output grid's size or of the image's
   */
  async verify(
    file: ImageLike | Uint8Array,
    target: LabelsLike,
    options: VerifyOptions,
  ): Promise<Verification> {
    checkOptions(verifyOptionEntries, options ?? {}, "verify");
    const parcel = new Parcel();
    const params = {
      file: file instanceof Uint8Array ? file : await parcel.add(file, "the image"),
      target: await parcel.add(target, "the target"),
      options: { ...options, original: await parcel.add(options.original, "the original") },
    };
    return await this.#client.call("verify", params, parcel.transfer);
  }

  /**
   * The files of an attack by name, `result.json` last: what the folder that Node writes holds, but for
   * pictures. The saved image is decoded again and judged by the untouched model.
   *
   * @throws AsmaError `ERR_INSECURE_PAGE` on a page that came over plain http, whose browser hashes nothing
   */
  async resultFiles(attack: PageAttack): Promise<Map<string, Uint8Array>> {
    const { message, transfer } = await sendAttack(attack);
    return new Map(await this.#client.call("resultFiles", message, transfer));
  }

  async encode(image: ImageLike): Promise<Uint8Array> {
    const parcel = new Parcel();
    const copy = await parcel.add(image, "the image");
    return await this.#client.call("encode", { image: copy }, parcel.transfer);
  }

  /** Ends the worker and all that runs in it: what is pending rejects with `ERR_RELEASED`. */
  async release(): Promise<void> {
    this.#client.release();
  }
}
