import type { Model, SessionOptions, Target } from "@onnx-asma/autodiff";
import type { Size } from "../image.ts";

/** Order of the axes of an image batch: batch, channels, height, width or channels last. */
export type Layout = "NCHW" | "NHWC";

/** Pixels added around the image, inside the graph. */
export interface Padding {
  /** On every side, or [top, left, bottom, right]. */
  readonly pixels: number | readonly [number, number, number, number];
  /** `edge` repeats the border, `reflect` mirrors it, `constant` is black. @default "constant" */
  readonly mode?: "edge" | "reflect" | "constant";
}

/**
 * What the model's numbers are: scores whose largest wins (`logits`, also for log-probabilities), one
 * channel with the border at 0 (`logit`) or at 0.5 (`probability`). `auto` decides from the graph.
 */
export type OutputKind = "auto" | "logits" | "logit" | "probability";

/** A training graph of the model that another tool made: forward and backward in one graph. */
export interface TrainingGraphOptions {
  readonly model: Model;
  /** Its gradient of the image. @default `<image>_grad`, otherwise the only output of its dims */
  readonly gradientOutput?: string | undefined;
  /**
   * Its gradient of the scores: an input, an initializer or an inner value.
   * @default `<scores>_grad`, otherwise the only other input of its dims
   */
  readonly upstreamInput?: string | undefined;
  /** Where it will run; the numbers are the same. @default "any" */
  readonly target?: Target | undefined;
}

/** How a model is to be understood. Everything has a default that `describe` explains. */
export interface ModelOptions {
  /** Name of the image input. @default the only float input of rank 4 */
  readonly input?: string;
  /** Name of the output that segments. @default the finest spatial output */
  readonly output?: string;
  /** Concrete dims by input name, where the model's own are dynamic. */
  readonly dims?: Readonly<Record<string, readonly number[]>>;
  /** @default from the dims: the axis of 1, 3 or 4 channels */
  readonly layout?: Layout;
  /** Values that black and white have for the model, before `mean` and `std`. @default [0, 1] */
  readonly range?: readonly [number, number];
  /** Subtracted per channel, after `range`. @default 0 */
  readonly mean?: readonly number[];
  /** Divided by per channel, after `mean`. @default 1 */
  readonly std?: readonly number[];
  /** @default none, or what the model's metadata say */
  readonly padding?: Padding;
  /** Size to resize the image to, before padding. @default whatever the model's input needs */
  readonly resize?: Size;
  /** Names of the classes. @default from the metadata, otherwise "class 0", … */
  readonly classes?: readonly string[];
  /** @default "auto" */
  readonly outputKind?: OutputKind;
  /** Gives the gradient instead of our own rules. Predictions stay those of the model itself. */
  readonly trainingGraph?: TrainingGraphOptions | undefined;
  /** Passed to every session. */
  readonly sessionOptions?: SessionOptions;
}
