import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Term } from "../model/append-model.ts";
import type { Operators } from "./operators.ts";

/** Prediction and metrics of one forward pass, per image. */
export interface MetricValues {
  /** float32 [N, 1, …size]: predicted labels. */
  readonly prediction: Value;
  /** float32 [N, K, …size]: 1 where the label is that class; 0 on ignored pixels. */
  readonly targetOneHot: Value;
  /** float32 [N, 1, …size]: 1 on the pixels that are scored, 0 on ignored ones. */
  readonly counted: Value;
  /** float32 [N, 1, …size]: 1 on scored pixels whose prediction is not the label. */
  readonly wrong: Value;
  /** float32 [N, 1, …], as all that follow. */
  readonly iou: Value;
  readonly correctPixels: Value;
  readonly countedPixels: Value;
  /** Scored pixels predicted as a class that the labels do not contain. */
  readonly absentPixels: Value;
}

/** What an attack's step is built from: values of the graph, all float32, N images along axis 0. */
export interface StepContext<S extends string = string, N extends string = string> {
  readonly b: GraphBuilder;
  /** Arithmetic that appends to `b`. */
  readonly ops: Operators;
  /** [N, C, …size]: the iterate, in [0, 1]; not rounded. */
  readonly x: Value;
  /** [N, C, …size]: the untouched image. */
  readonly x0: Value;
  /** [N, C, …size]: what the model is shown: x, rounded to the levels of the file. */
  readonly seen: Value;
  /** [N, K, …grid]: scores of the model for `seen`. */
  readonly scores: Value;
  /** [N, K, …grid]: 1 where the label is that class; 0 on ignored pixels. */
  readonly targetOneHot: Value;
  /** [N, 1, …grid]: 1 on scored pixels. */
  readonly counted: Value;
  /**
   * [N, 1, …grid]: 1 on scored pixels that are not yet as the goal wants them (not the label, or still
   * the label when the goal is to leave it), or that are so by less than the margin.
   */
  readonly wrong: Value;
  /** 1 when the labels are to be reached, −1 when they are to be left. */
  readonly direction: 1 | -1;
  /** [N, 1, …]: by how much a pixel has to be as wanted to count so; more than 0 after the untouched model disagreed. */
  readonly margin: Value;
  /** bool [N, 1, …]: whether the image as seen reaches the goal, as far as this graph can tell. */
  readonly reached: Value;
  /** bool [N, 1, …]: whether the untouched model refused the last iterate that had seemed to reach it. */
  readonly isRejected: Value;
  readonly measured: MetricValues;
  /** What the last step gave as state; at the first step what `init` says. */
  readonly state: Readonly<Record<S, Value>>;
  /** This step's numbers, [N, 1, …]. */
  readonly n: Readonly<Record<N, Value>>;
  /** bool [N, 1, …]: whether this is the first step. */
  readonly isFirst: Value;
  /**
   * [N, C, …size]: gradient of the terms at the image as seen (rounding is passed straight through),
   * 0 outside the region that may change. To be called once.
   */
  gradientOf(terms: readonly Term[]): Value;
  /** Clips to [0, 1] and keeps what lies outside the region as it was. */
  box(u: Value): Value;
}

/** What a step gives. */
export interface StepValues<S extends string = string> {
  /** [N, C, …size]: the next iterate. */
  readonly x: Value;
  /** The loss that is ascended. */
  readonly loss: readonly Term[];
  /** [N, 1, …]: subtracted from the loss in the records only. */
  readonly penalty?: Value;
  /** The next step's state. */
  readonly state?: Readonly<Record<S, Value>>;
  /** [N, 1, …]: numbers for the record, by the names they have in reports. */
  readonly logs?: Readonly<Record<string, Value>>;
  /**
   * [N, C, …size]: an image to be measured after the step by a forward pass of its own; the schedule
   * is told what it comes to, and it is recorded as `unclipped…`.
   */
  readonly measure?: Value;
}
