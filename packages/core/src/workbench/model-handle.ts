import type { ImageTensor, LabelMap, ScoreMap, Size } from "../image.ts";
import type { IouDefinition } from "../metrics/iou.ts";
import type { Verdict } from "../metrics/verdict.ts";
import type { ImageInput } from "../model/input/image-input.ts";
import type { ModelDescription } from "../model/model-description.ts";
import type { NdarrayLike } from "../ndarray.ts";
import type { AttackResult, AttackStep } from "../run/attack-result.ts";
import type { AttackRun } from "../run/attack-run.ts";
import type { BatchResult, BatchStep } from "../run/run-attack.ts";
import type { AttackChoice } from "./attack-choice.ts";

/**
 * An image as typed array and dims, or as an ndarray of shape [C, H, W] or [1, C, H, W]; of volumes
 * [C, D, H, W] or [1, C, D, H, W].
 */
export type ImageLike = ImageTensor | NdarrayLike<Float32Array>;

/** Labels as typed array and dims, or as an ndarray of shape [H, W] or [D, H, W]. */
export type LabelsLike = LabelMap | NdarrayLike<Int32Array>;

/** How {@link ModelHandle.verify} judges. */
export interface VerifyOptions {
  /** The untouched image, which the norms are taken from. */
  readonly original: ImageLike;
  /** @default 0.95 */
  readonly iouThreshold?: number;
  /** @default 0 */
  readonly pixelAccuracyThreshold?: number;
  /** @default by the target, see `defaultIouDefinition` */
  readonly iouDefinition?: IouDefinition;
  /** Whether the labels are to be reached, or (false) to be left. @default true */
  readonly targeted?: boolean;
}

/** What {@link ModelHandle.verify} finds. */
export interface Verification extends Verdict {
  readonly iouDefinition: IouDefinition;
  /** The image that was judged, as decoded where it came as a file. */
  readonly image: ImageTensor;
  /** What the untouched model predicts for it. */
  readonly prediction: LabelMap;
}

/**
 * One loaded model: the same in Node, in the browser and under the command line. Calls may overlap in
 * any way; sessions are shared, and built for the sizes of the images.
 *
 * @typeParam Source what `readImage` takes: a path in Node, a `Blob` and the like in a browser
 * @typeParam File what `verify` takes besides an image: a path or bytes
 */
export interface ModelHandle<Source, File> {
  /** The image input as the model declares it. */
  readonly input: ImageInput;
  /**
   * Reads an image with the channels that the model takes.
   *
   * @throws AsmaError `ERR_IMAGE_UNREADABLE`, `ERR_IMAGE_TOO_LARGE`, `ERR_IMAGE_ALPHA`, `ERR_IMAGE_CHANNELS`
   */
  readImage(source: Source): Promise<ImageTensor>;
  /** What the model was taken to mean for images of a size; without one, of its own input size. */
  describe(size?: Size): Promise<ModelDescription>;
  /** What the untouched model predicts for an image, on its output grid. */
  predict(image: ImageLike): Promise<LabelMap>;
  /** The scores behind it per class and pixel, as attacks raise them; see {@link ScoreMap}. One run of the model. */
  predictScores(image: ImageLike): Promise<ScoreMap>;
  /**
   * Starts an attack; the next step is computed when it is asked for, so that not asking is pausing.
   *
   * @param target labels of the output grid's size or of the image's
   * @throws AsmaError for input and options that do not fit: before anything is loaded for what is wrong
   *   with the options, before the first step for the rest
   */
  attack(
    image: ImageLike,
    target: LabelsLike,
    choice?: AttackChoice,
  ): Promise<AttackRun<AttackStep, AttackResult>>;
  /**
   * Attacks several images of one size at once, each with its own best iterate and end; the model's
   * batch has to be free.
   *
   * @throws AsmaError as {@link attack}; `ERR_BATCH` when the model's batch is fixed, or images differ in size
   */
  attackBatch(
    images: readonly ImageLike[],
    targets: readonly LabelsLike[],
    choice?: AttackChoice,
  ): Promise<AttackRun<BatchStep, BatchResult>>;
  /**
   * Judges an image, or the file it was saved to, by the untouched model.
   *
   * @param target labels of the output grid's size or of the image's
   */
  verify(file: ImageLike | File, target: LabelsLike, options: VerifyOptions): Promise<Verification>;
  /** The bytes of an image file: PNG, or `.npy` where a PNG cannot hold the image. */
  encode(image: ImageLike): Promise<Uint8Array>;
  /** Gives all memory back. Steps under way end first; what is asked for afterwards is refused. */
  release(): Promise<void>;
}
