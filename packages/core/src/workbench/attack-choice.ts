import type { AttackDefinition } from "../attack/attack-definition.ts";
import { parseOptions } from "../attack/option-schema.ts";
import {
  defaultAttack,
  findAttack,
  type AttackName,
  type AttackOptionsByName,
} from "../attacks/index.ts";
import { AsmaError } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import { levelsOf } from "../levels-of.ts";
import {
  parseRunOptions,
  runOptionKeys,
  type ParsedRunOptions,
  type RunOptions,
} from "../run/run-options.ts";

/**
 * Which attack, its options and those of the run, in one object of plain data (but for `signal`).
 *
 * @example { attack: "pgd", epsilon: 8 / 255, iterations: 40 }
 */
export type AttackChoice = RunOptions &
  (
    | { [Name in AttackName]: { readonly attack: Name } & AttackOptionsByName[Name] }[AttackName]
    | ({ readonly attack?: undefined } & AttackOptionsByName[typeof defaultAttack])
  );

/** A choice with everything filled in that does not depend on the model. */
export interface ParsedChoice {
  readonly definition: AttackDefinition;
  /** Options of the attack as they are used. */
  readonly attackOptions: Readonly<Record<string, unknown>>;
  readonly run: ParsedRunOptions;
  /** What is used otherwise than it was given. */
  readonly notices: readonly string[];
}

/**
 * Finds the attack and reads all options, before anything is loaded.
 *
 * @param images their levels are those of the run, unless it says otherwise
 * @throws AsmaError `ERR_ATTACK`, `ERR_OPTION`, `ERR_STEP_SIZE`; `ERR_BATCH` for images of different levels
 */
export function parseChoice(
  choice: AttackChoice,
  images: readonly ImageTensor[] = [],
): ParsedChoice {
  if (typeof choice !== "object" || choice === null || Array.isArray(choice)) {
    throw new AsmaError(
      "ERR_OPTION",
      `Expected an object that says which attack and its options but found ${typeof choice === "string" ? `'${choice as string}'` : String(choice)}: for example { attack: "pgd" }.`,
    );
  }
  const { attack = defaultAttack, ...rest } = choice as RunOptions & { readonly attack?: string };
  const definition = findAttack(attack);
  const isRunOption = (key: string) => (runOptionKeys as readonly string[]).includes(key);
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  const own = Object.fromEntries(entries.filter(([key]) => !isRunOption(key)));
  const options = parseOptions(definition.options, own, definition.name);
  const run = parseRunOptions(rest, {
    presets: definition.presets?.(options) ?? {},
    imageLevels: rest.levels === undefined ? commonLevels(images) : undefined,
    canLeave: definition.canLeave === true,
    title: definition.title,
  });
  const attackOptions =
    definition.effective?.(options, {
      iterations: run.iterations,
      levels: run.levels === "float" ? undefined : run.levels,
    }) ?? options;
  return { definition, attackOptions, run, notices: changesOf(own, attackOptions) };
}

function changesOf(
  given: Readonly<Record<string, unknown>>,
  used: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(given).flatMap(([key, value]) => {
    const [a, b] = [value, used[key]];
    const isChanged = typeof a === "number" && typeof b === "number" && Math.abs(a - b) > 1e-4 * a;
    return isChanged
      ? [
          `\`${key}\` is ${b.toPrecision(4)} instead of ${a}: what the levels of the image can hold.`,
        ]
      : [];
  });
}

function commonLevels(images: readonly ImageTensor[]): number | undefined {
  const all = new Set(images.map((image) => levelsOf(image)));
  if (all.size > 1) {
    throw new AsmaError(
      "ERR_BATCH",
      `Expected images of equal levels in a batch but found ${[...all].map((n) => n ?? "float").join(", ")}: attack them one by one, or choose levels.`,
    );
  }
  return [...all][0];
}
