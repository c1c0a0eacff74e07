import { Option, type Command } from "commander";
import {
  allAttacks,
  AsmaError,
  defaultAttack,
  findAttack,
  refusal,
  type AttackDefinition,
} from "@onnx-asma/core";
import { describeOptions, type OptionDescription } from "@onnx-asma/core/describe-options";
import { isGiven } from "./flag-effects.ts";
import { classNumberOrName, words } from "./parsers.ts";

/** An option of one attack. */
interface Owned {
  readonly attack: AttackDefinition;
  readonly option: OptionDescription;
}

/** What the user chose among attacks and their options. */
export interface ChosenAttack {
  readonly attack: string;
  /** Options that were given, by key; the attack's own defaults count for the rest. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Those that are lists of classes, which may be names: known with the model. */
  readonly classes: Readonly<Record<string, readonly (number | string)[]>>;
}

/** Adds `--attack`. */
export function addAttackFlag(command: Command): Command {
  const names = allAttacks().map(({ name }) => name);
  const summaries = allAttacks().map(({ name, summary }) => `${name}: ${summary}`);
  return command
    .optionsGroup("Attack:")
    .addOption(
      new Option(
        "--attack <name>",
        `which attack (default: ${defaultAttack}). ${summaries.join(" ")}`,
      ).choices(names),
    );
}

/**
 * The flags of all attacks' options, made from their schemas: those of one attack under a
 * heading of its own, the same flag of several attacks once. An option whose flag the command has already
 * gets the attack's name in front.
 */
export class AttackFlags {
  readonly #command: Command;
  /** By the names of the flags, without dashes and `no-`. */
  readonly #owners: ReadonlyMap<string, readonly Owned[]>;

  /** Adds the flags of all attacks that are registered by now; to be called after all other flags. */
  constructor(command: Command) {
    this.#command = command;
    this.#owners = ownersOf(command);
    for (const [name, owners] of this.#owners) {
      for (const form of formsOf(name, owners)) {
        command.addOption(new Option(form, describe(owners)).helpGroup(headingOf(owners)));
      }
    }
  }

  /**
   * The attack and its options, as the command line that was parsed has them.
   *
   * @throws AsmaError `ERR_USAGE` for the flag of another attack, and for a value that is no number
   */
  read(): ChosenAttack {
    const { attack = defaultAttack } = this.#command.opts<{ attack?: string }>();
    const options: Record<string, unknown> = {};
    const classes: Record<string, readonly (number | string)[]> = {};
    for (const [name, owners] of this.#owners) {
      const stored = new Option(`--${name}`).attributeName();
      if (!isGiven(this.#command, stored)) {
        continue;
      }
      const value = this.#command.getOptionValue(stored) as string | boolean;
      const flag = value === false ? `--no-${name}` : `--${name}`;
      const own = owners.find((owner) => owner.attack.name === attack);
      if (own === undefined) {
        throw foreign(flag, owners, findAttack(attack));
      }
      if (own.option.areClasses === true) {
        classes[own.option.key] = words(value as string).map(classNumberOrName);
      } else {
        options[own.option.key] = valueOf(own.option, flag, value);
      }
    }
    return { attack, options, classes };
  }
}

/** The options behind each flag, in the order of the attacks. */
function ownersOf(command: Command): Map<string, Owned[]> {
  const taken = new Set(command.options.map(({ long }) => long?.replace(/^--(no-)?/, "")));
  const flags = new Map<string, Owned[]>();
  for (const attack of allAttacks()) {
    for (const option of describeOptions(attack.options)) {
      const plain = toKebabCase(option.key);
      const [sharing] = flags.get(plain) ?? [];
      const isFree =
        !taken.has(plain) &&
        (sharing === undefined || isBoolean(sharing) === isBoolean({ option }));
      const name = isFree ? plain : `${attack.name}-${plain}`;
      flags.set(name, [...(flags.get(name) ?? []), { attack, option }]);
    }
  }
  return flags;
}

/** How the flag is written: booleans only in the forms that change a default. */
function formsOf(name: string, owners: readonly Owned[]): string[] {
  const [first] = owners as [Owned];
  if (isBoolean(first)) {
    const defaults = new Set(owners.map(({ option }) => option.default === true));
    return [...defaults].map((isOn) => (isOn ? `--no-${name}` : `--${name}`));
  }
  return [
    `--${name} <${first.option.areClasses === true ? "classes" : ({ numbers: "numbers", choice: "name" }[first.option.kind as string] ?? "number")}>`,
  ];
}

/** What it means and its default, once for all attacks that agree. */
function describe(owners: readonly Owned[]): string {
  const titles = new Map<string, string[]>();
  for (const { attack, option } of owners) {
    const { choices, default: preset, description } = option;
    const facts = [
      ...(choices === undefined ? [] : [`choices: ${choices.join(", ")}`]),
      ...(preset === undefined || isBoolean({ option }) ? [] : [`default: ${shown(preset)}`]),
    ];
    const text = facts.length === 0 ? description : `${description} (${facts.join("; ")})`;
    titles.set(text, [...(titles.get(text) ?? []), attack.title]);
  }
  const texts = [...titles];
  return texts.length === 1
    ? (texts[0]?.[0] as string)
    : texts.map(([text, of]) => `${of.join(", ")}: ${text}`).join(". ");
}

function headingOf(owners: readonly Owned[]): string {
  return `Options of ${owners.map(({ attack }) => attack.title).join(", ")}:`;
}

/** Short numbers: 8/255 has sixteen digits. */
function shown(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}

/** @throws AsmaError `ERR_USAGE` for text that is no number; the attack's schema checks the rest */
function valueOf({ kind }: OptionDescription, flag: string, value: string | boolean): unknown {
  if (typeof value === "boolean" || kind === "choice") {
    return value;
  }
  const parts = kind === "numbers" ? value.split(",") : [value];
  const wrong = parts.find((part) => part.trim() === "" || !Number.isFinite(Number(part)));
  if (wrong !== undefined) {
    throw refusal("ERR_USAGE", {
      expected: `a number for ${flag}`,
      found: `found '${wrong}'`,
      wayOut: "correct it, or leave it out",
      details: { flag },
    });
  }
  return kind === "numbers" ? parts.map(Number) : Number(value);
}

function foreign(flag: string, owners: readonly Owned[], chosen: AttackDefinition): AsmaError {
  const names = owners.map(({ attack }) => attack.name);
  return new AsmaError(
    "ERR_USAGE",
    `${flag} belongs to --attack ${names.join(" and ")}, but the attack here is ${chosen.name}: leave it out, or choose another attack.`,
    { details: { flag, attacks: names } },
  );
}

function isBoolean({ option }: Pick<Owned, "option">): boolean {
  return option.kind === "boolean";
}

function toKebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
