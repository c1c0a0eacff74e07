import type { NormName, StepRecord } from "../attack/step-record.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { StepBuild } from "../step/step-session.ts";
import type { RunOptionsUsed } from "./run-options.ts";

/** One step as the iterator yields it. */
export interface AttackStep extends StepRecord {
  /** Whether the goal is reached here, by the judge where there is one. */
  readonly reached: boolean;
  /** Whether this is the best iterate so far. */
  readonly isBest: boolean;
  /** Milliseconds that the step took. */
  readonly milliseconds: number;
  /** A copy of x_n as the model saw it; until the next step is asked for. */
  readonly image: () => Promise<ImageTensor>;
  /** A copy of the prediction at x_n; until the next step is asked for. */
  readonly prediction: () => Promise<LabelMap>;
}

/** An iterate worth keeping. */
export interface Iterate extends StepRecord {
  /** As the model saw it: on the levels of the file, unless the attack is on floats. */
  readonly image: ImageTensor;
  readonly prediction: LabelMap;
}

/** Why an attack ended. */
export type StopReason =
  | "reached"
  | "iterations"
  | "aborted"
  | "gradient vanished"
  | "gradient not a number"
  | "failed";

/** Passes through the model. */
export interface Passes {
  /** Steps, measurements and judgements. */
  readonly forwards: number;
  /** Gradients. */
  readonly backwards: number;
  /** Times the untouched model was asked whether the goal is reached. */
  readonly judgements: number;
}

/** What an attack comes to, for one image. */
export interface AttackResult {
  /** Name of the attack, and its options as they were used. */
  readonly attack: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** Options of the run as they were used. */
  readonly options: RunOptionsUsed;
  /** Whether the best iterate reaches the goal, by the judge where there is one. */
  readonly reached: boolean;
  readonly stopReason: StopReason;
  readonly best: Iterate;
  /** The iterate that the attack ended on. */
  readonly last: Iterate;
  /** Every step in order. */
  readonly trajectory: readonly StepRecord[];
  readonly passes: Passes;
  /** Size and time of building the step graph. */
  readonly build: StepBuild;
  /** What the change may be at most, for attacks that have a budget. */
  readonly budget?: { readonly norm: NormName; readonly epsilon: number } | undefined;
  /** Remarks for the user. */
  readonly notices: readonly string[];
  /** Time of the attack's own work; what a consumer does between steps does not count. */
  readonly seconds: number;
}
