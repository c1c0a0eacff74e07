import type { AttackDefinition } from "../attack/attack-definition.ts";
import type { Recipe } from "../attack/recipe.ts";
import type { Goal } from "../goal/goal.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { StepSession } from "../step/step-session.ts";
import type { Judge } from "./judge.ts";
import type { RunOptionsUsed } from "./run-options.ts";

/** What an attack is given for one image. */
export interface AttackInput {
  /** The image to change: float32 [1, C, …size] in [0, 1]. */
  readonly image: ImageTensor;
  /** The labels, on the output grid; −1 where they do not matter. */
  readonly target: LabelMap;
  /** Where the image may change: one number per pixel, 1 yes, 0 no. @default everywhere */
  readonly region?: Float32Array | undefined;
}

/** One run: what was decided about it, and the graph that does it. */
export interface AttackTask {
  readonly step: StepSession;
  readonly recipe: Recipe;
  readonly definition: AttackDefinition;
  /** Options of the attack as they are used. */
  readonly attackOptions: Readonly<Record<string, unknown>>;
  readonly options: RunOptionsUsed;
  readonly goal: Goal;
  /** Remarks for the user that were due before the run. */
  readonly notices?: readonly string[] | undefined;
  /** As many as the model's batch. */
  readonly inputs: readonly AttackInput[];
  /** Without one the step graph decides alone. */
  readonly judge?: Judge | undefined;
  readonly signal?: { readonly aborted: boolean } | undefined;
  /** Called when the run is over. */
  readonly onEnd?: (() => void) | undefined;
}
