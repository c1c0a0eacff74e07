import type { IouDefinition } from "../metrics/iou.ts";
import type { OptionEntries, OptionsOutput } from "./option-schema.ts";
import type { Recipe, RunFacts } from "./recipe.ts";
import type { NormName } from "./step-record.ts";

/**
 * Which iterate is handed back: of those that reach the goal the one of smallest norm (`closest`), the
 * one that does most (`strongest`, for attacks within a budget), or simply the `last`.
 */
export type Keeps = "closest" | "strongest" | "last";

/** Options of a run that an attack may preset; what the user gives wins. */
export interface RunPresets {
  readonly iterations?: number;
  readonly earlyStop?: boolean;
  readonly iouDefinition?: IouDefinition;
  readonly levels?: "float";
}

/** What an attack's options may depend on in a run. */
export interface EffectiveRun {
  readonly iterations: number;
  /** Values a channel can take in the file that the image is for; `undefined` for floating point. */
  readonly levels: number | undefined;
}

/** What an attack may check about a model. */
export interface AttackedModel {
  readonly classes: number;
  readonly classNames: readonly string[];
}

/** An attack: its options and its step. Made by {@link defineAttack}. */
export interface AttackDefinition<
  Name extends string = string,
  Entries extends OptionEntries = OptionEntries,
> {
  /** As it is asked for, in kebab case; a `+` may end it. */
  readonly name: Name;
  /** As people write it. */
  readonly title: string;
  /** One sentence that says what it does. */
  readonly summary: string;
  /** Paper and equation. */
  readonly paper: string;
  /** Schemas with defaults and descriptions: flags, forms and records are made of them. */
  readonly options: Entries;
  /** Options that change the graph; all others are numbers that a loaded graph is told. */
  readonly graph: readonly (keyof Entries & string)[];
  /** Whether it can also lead away from labels instead of towards them. @default false */
  readonly canLeave?: boolean;
  keeps(options: OptionsOutput<Entries>): Keeps;
  /** The norm that is made small, or that the budget is in. */
  norm(options: OptionsOutput<Entries>): NormName;
  /** The budget ε in that norm, for attacks that have one. */
  budget?(options: OptionsOutput<Entries>): number;
  /**
   * Options with what follows from others and from the run filled in, as they are used and recorded.
   *
   * @throws AsmaError where they contradict each other
   */
  effective?(options: OptionsOutput<Entries>, run: EffectiveRun): OptionsOutput<Entries>;
  /** @throws AsmaError where a model cannot be attacked with these options */
  check?(options: OptionsOutput<Entries>, model: AttackedModel): void;
  presets?(options: OptionsOutput<Entries>): RunPresets;
  recipe(options: OptionsOutput<Entries>, facts: Pick<RunFacts, "classes">): Recipe;
}

/** An attack, with the types of its name and options taken from it. */
export function defineAttack<const Name extends string, Entries extends OptionEntries>(
  definition: AttackDefinition<Name, Entries>,
): AttackDefinition<Name, Entries> {
  return definition;
}
