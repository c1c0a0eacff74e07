import type {
  Feed,
  Model,
  ResolvedModel,
  Runtime,
  SessionOptions,
  Target,
  TrainingGraph,
} from "@onnx-asma/autodiff";
import type { Size } from "../image.ts";
import type { ChannelOrder } from "./input/channel-order.ts";
import type { Layout } from "./layout.ts";
import type { Padding } from "./input/padding.ts";
import type { Preprocessor } from "./input/preprocessor.ts";

export type { Padding } from "./input/padding.ts";

/**
 * What the model's numbers are: scores whose largest wins (`logits`, also for log-probabilities),
 * channels with the border at 0 (`logit`) or halfway (`probability`, 0.5), each for itself when there are
 * several (but those of a softmax), or masks and classes of queries (`queries`). `auto` decides from the graph.
 */
export const outputKinds = ["auto", "logits", "logit", "probability", "queries"] as const;

/** One of {@link outputKinds}. */
export type OutputKind = (typeof outputKinds)[number];

/**
 * Where labels are decided: on the grid of the model's `output`, or after the scores are resized
 * (bilinear) to the `image`.
 */
export type LabelGrid = "output" | "image";

/** Names of classes as a file has them. */
export interface ClassList {
  readonly names: readonly string[];
  /** Where they stand, for the reasons that are given. */
  readonly source: string;
}

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

/** What a training graph is loaded for. */
export interface TrainingGraphRequest {
  readonly runtime: Runtime;
  readonly resolved: ResolvedModel;
  /** Name of the image input. */
  readonly input: string;
  /** Name of the scores. */
  readonly scores: string;
  /** Whether the scores are made of masks and classes of queries. */
  readonly hasQueries: boolean;
  readonly preprocessing: {
    readonly range: readonly [number, number];
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
  readonly sessionOptions: SessionOptions | undefined;
}

/** A training graph that was checked. */
export interface CheckedTrainingGraph {
  readonly graph: TrainingGraph;
  /** What was found, and how far it was checked, in words. */
  readonly is: string;
  readonly because: string;
}

/**
 * What gives a model's training graph: made by `trainingGraphFrom` of `@onnx-asma/core/training-graph`, an
 * entry of its own, so that whoever brings none does not load what reads them.
 */
export interface TrainingGraphSource {
  readonly options: TrainingGraphOptions;
  load(request: TrainingGraphRequest): Promise<CheckedTrainingGraph>;
}

/** How a model is to be understood. Everything has a default that `describe` explains. */
export interface ModelOptions {
  /** Name of the image input. @default the only float input of rank 3 to 5, or the only integer one */
  readonly input?: string;
  /** Name of the output that segments. @default the finest spatial output */
  readonly output?: string;
  /** Name of the output with the classes of queries, where `output` holds their masks. */
  readonly queryClasses?: string;
  /** Class of a query that stands for nothing. @default the last */
  readonly voidClass?: number | "none";
  /**
   * Values of the inputs that are no image, by name: a number for all elements, or dims and data. Inputs
   * that no output needs take none.
   */
  readonly feeds?: Readonly<Record<string, Feed>>;
  /** Concrete dims by input name, where the model's own are dynamic. */
  readonly dims?: Readonly<Record<string, readonly number[]>>;
  /** @default from the first operators, or the axis of 1, 3 or 4 channels */
  readonly layout?: Layout;
  /** Order of the axes of the scores. @default the one that fits the input's size */
  readonly outputLayout?: Layout;
  /** What was read from a `preprocessor_config.json`; the options below come before it. */
  readonly preprocessor?: Preprocessor;
  /** @default "rgb" */
  readonly channelOrder?: ChannelOrder;
  /**
   * Values that black and white have for the model, before `mean` and `std`.
   * @default [0, 1]; for integer inputs [0, 255], [-128, 127] (int8) or [0, 65535] (uint16)
   */
  readonly range?: readonly [number, number];
  /** Subtracted per channel of the model, after `range`. @default 0 */
  readonly mean?: readonly number[];
  /** Divided by per channel of the model, after `mean`. @default 1 */
  readonly std?: readonly number[];
  /** @default none, or what the model's metadata say, or what a model needs to take the image's size */
  readonly padding?: Padding;
  /** Size to resize the image to, before padding. @default whatever the model's input needs */
  readonly resize?: Size;
  /** Names of the classes. @default from the metadata, then `classList`, otherwise "class 0", … */
  readonly classes?: readonly string[];
  /** Names that a file of the model has, which count where they are as many as the classes. */
  readonly classList?: ClassList | undefined;
  /** Index or name of the channel to attack, where channels are independent. @default 0 */
  readonly class?: number | string;
  /** @default "auto" */
  readonly outputKind?: OutputKind;
  /**
   * Number of the output above which a pixel of one channel is class 1, for models that do not compare
   * themselves. @default 0.5 for probabilities, 0 for logits
   */
  readonly border?: number;
  /** @default "output" */
  readonly grid?: LabelGrid;
  /**
   * `float32` computes the gradient of models in other float types in float32, `model` keeps the type.
   * @default "float32"
   */
  readonly precision?: "float32" | "model";
  /** Gives the gradient instead of our own rules. Predictions stay those of the model itself. */
  readonly trainingGraph?: TrainingGraphSource | undefined;
  /** Passed to every session. */
  readonly sessionOptions?: SessionOptions;
}

/** How a model is loaded. */
export interface LoadOptions extends ModelOptions {
  /**
   * Images that a graph made of the model sees at once, where the model's batch is free. For one image a
   * fixed batch is filled with copies. @default 1
   */
  readonly batch?: number;
}
