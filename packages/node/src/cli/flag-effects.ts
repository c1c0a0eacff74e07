import type { Command } from "commander";
import { AsmaError } from "@onnx-asma/core";

/** When a flag has an effect, by the names under which flags are stored. */
export interface FlagEffect {
  readonly flag: string;
  /** It works on one of these: without any of them it does nothing. */
  readonly needs?: readonly string[];
  /** Beside any of these it does nothing. */
  readonly overruledBy?: readonly string[];
}

/** Whether the user gave a flag, rather than its default. */
export function isGiven(command: Command, flag: string): boolean {
  const source = command.getOptionValueSource(flag);
  return source !== undefined && source !== "default";
}

/**
 * Refuses flags that were given and have no effect.
 *
 * @throws AsmaError `ERR_USAGE` that names the flag and those it depends on
 */
export function checkFlagEffects(command: Command, effects: readonly FlagEffect[]): void {
  for (const { flag, needs = [], overruledBy = [] } of effects) {
    if (!isGiven(command, flag)) {
      continue;
    }
    const isUsed = needs.length === 0 || needs.some((other) => isGiven(command, other));
    if (!isUsed) {
      throw withoutEffect(command, flag, `without ${namesOf(command, needs, " or ")}`);
    }
    const overruling = overruledBy.filter((other) => isGiven(command, other));
    if (overruling.length > 0) {
      throw withoutEffect(command, flag, `beside ${namesOf(command, overruling, " and ")}`);
    }
  }
}

/** A flag as the user writes it. */
export function flagName(command: Command, flag: string): string {
  return command.options.find((option) => option.attributeName() === flag)?.long ?? flag;
}

function namesOf(command: Command, flags: readonly string[], join: string): string {
  return flags.map((flag) => flagName(command, flag)).join(join);
}

function withoutEffect(command: Command, flag: string, when: string): AsmaError {
  const name = flagName(command, flag);
  return new AsmaError(
    "ERR_USAGE",
    `${name} has no effect ${when}: leave it out, or correct that.`,
    {
      details: { flag: name },
    },
  );
}
