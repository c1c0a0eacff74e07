import type { AttackDefinition } from "../attack/attack-definition.ts";
import type { OptionEntries, OptionsInput } from "../attack/option-schema.ts";
import { AsmaError, refusal } from "../errors.ts";
import { runOptionKeys } from "../run/run-options.ts";
import { asma } from "./asma.ts";

/** The attacks of the main entry; `attack-family` has the others. */
const definitions = [asma] as const;

/** The attack where none is asked for. */
export const defaultAttack = "asma";

type Definitions = (typeof definitions)[number];

/** Options of each attack, by name. Whoever registers another attack adds its options by declaration merging. */
export interface AttackOptionsByName extends Registered {}

type Registered = {
  readonly [Definition in Definitions as Definition["name"]]: OptionsInput<Definition["options"]>;
};

/** Name of an attack. */
export type AttackName = keyof AttackOptionsByName & string;

const registry = new Map<string, AttackDefinition>(
  definitions.map((definition) => [definition.name, definition as unknown as AttackDefinition]),
);

/**
 * Adds an attack to the list, for all models of this process or worker.
 *
 * @throws AsmaError `ERR_ATTACK` for what is no definition, when there is another attack of that name, or an option has the name of
 *   one that every run has
 */
export function registerAttack<Name extends string, Entries extends OptionEntries>(
  definition: AttackDefinition<Name, Entries>,
): void {
  const erased = definition as unknown as AttackDefinition;
  if (typeof erased?.name !== "string" || typeof erased.recipe !== "function" || !erased.options) {
    throw refusal("ERR_ATTACK", {
      expected: "an attack with name, options and recipe, as defineAttack gives it,",
      found: `found ${String(definition)}`,
    });
  }
  if ((registry.get(definition.name) ?? erased) !== erased) {
    throw new AsmaError(
      "ERR_ATTACK",
      `There is an attack named '${definition.name}' already: choose another name.`,
    );
  }
  const taken = Object.keys(definition.options).find(
    (key) => key === "attack" || (runOptionKeys as readonly string[]).includes(key),
  );
  if (taken !== undefined) {
    throw new AsmaError(
      "ERR_ATTACK",
      `The option '${taken}' of '${definition.name}' is one that every run has: choose another name.`,
    );
  }
  registry.set(definition.name, erased);
}

/** All attacks, in the order in which they were registered. */
export function allAttacks(): readonly AttackDefinition[] {
  return [...registry.values()];
}

/**
 * The attack of that name.
 *
 * @throws AsmaError `ERR_ATTACK` when there is none
 */
export function findAttack(name: string): AttackDefinition {
  const definition = registry.get(name);
  if (definition === undefined) {
    throw new AsmaError(
      "ERR_ATTACK",
      `Expected an attack among ${[...registry.keys()].join(", ")} but found '${name}'.`,
      { details: { name } },
    );
  }
  return definition;
}
