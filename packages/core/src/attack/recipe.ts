import type { Value } from "@onnx-asma/autodiff";
import type { ImageTensor } from "../image.ts";
import type { Random } from "./random.ts";
import type { StepContext, StepValues } from "./step-context.ts";
import type { StepRecord } from "./step-record.ts";

/** What a run is about, for choices that depend on it. */
export interface RunFacts {
  /** Steps to take at most. */
  readonly iterations: number;
  /** Values of one image: C × pixels. */
  readonly values: number;
  /** Classes of the model. */
  readonly classes: number;
}

/** A tensor that an attack keeps from one step to the next. */
export interface StateSpec {
  /** As an image [N, C, …size], a map of labels [N, 1, …grid], or one number an image [N, 1, …]. */
  readonly like: "image" | "grid" | "number";
  /** What it is filled with before the first step. @default 0 */
  readonly init?: (facts: RunFacts) => number;
}

/** Decides the numbers of each step of one image. */
export interface Schedule<N extends string = string> {
  /** For the step that leads from x_n to x_{n+1}. */
  next(n: number): Readonly<Record<N, number>>;
  /** Told what each step came to; may answer with a remark for the user. */
  told?(record: StepRecord): string | undefined;
}

/** The part of a step's context that is known before the model runs. */
export type ShownContext<S extends string = string, N extends string = string> = Pick<
  StepContext<S, N>,
  "b" | "ops" | "x" | "x0" | "state" | "n" | "isFirst"
>;

/**
 * The step of one attack, with its options already decided: what it keeps, what it is told, what it
 * computes. Everything but the schedule and the start becomes part of one graph.
 */
export interface Recipe<S extends string = string, N extends string = string> {
  readonly state: Readonly<Record<S, StateSpec>>;
  /** Names of the numbers that the schedule gives. */
  readonly numbers: readonly N[];
  /** Appends the step: this step's scores and the last state in, next iterate and state out. */
  step(context: StepContext<S, N>): StepValues<S>;
  schedule(facts: RunFacts): Schedule<N>;
  /** The first iterate, made on the host so that it is the same everywhere. @default the image itself */
  start?(original: ImageTensor, random: Random): Float32Array;
  /** What the model is shown, where that is not x. */
  image?(context: ShownContext<S, N>): Value;
}

/** A recipe, with the names of its state and numbers taken from it. */
export function defineRecipe<S extends string, N extends string>(recipe: Recipe<S, N>): Recipe {
  return recipe as unknown as Recipe;
}
