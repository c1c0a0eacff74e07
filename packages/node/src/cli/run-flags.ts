import { Option, type Command } from "commander";
import { iouDefinitions, type IouDefinition, type RunOptions } from "@onnx-asma/core";
import type { FlagEffect } from "./flag-effects.ts";
import { integer, integerFrom, nonNegative } from "./parsers.ts";

/** Flags that a run of any attack has. What is not given stays out, so that an attack's presets count. */
export interface RunFlags {
  readonly iterations?: number;
  readonly iou?: number;
  readonly pixelAccuracy?: number;
  readonly earlyStop?: boolean;
  readonly iouDefinition?: IouDefinition;
  readonly levels?: number;
  readonly float?: boolean;
  readonly seed?: number;
  readonly region?: string;
}

/** Adds the flags of {@link RunFlags} to a command. */
export function addRunFlags(command: Command): Command {
  return command
    .optionsGroup("Run:")
    .option(
      "--iterations <number>",
      "steps at most (default: 500, or as many as the attack usually takes)",
      integerFrom(1),
    )
    .option("--iou <number>", "IoU that counts as reached (default: 0.95)", nonNegative(1))
    .option(
      "--pixel-accuracy <number>",
      "pixel accuracy that counts as reached, too (default: 0)",
      nonNegative(1),
    )
    .option("--early-stop", "stop as soon as the target is reached (the default of most attacks)")
    .option("--no-early-stop", "use all iterations, and keep the best of the reached iterates")
    .addOption(
      new Option(
        "--iou-definition <name>",
        "how IoU is measured (default: by the target; erased with --hide)",
      ).choices(iouDefinitions),
    )
    .option("--region <mask>", "where the image may change (PNG of the image's size, white = may)")
    .option(
      "--levels <number>",
      "values per channel of the saved file that is optimised (default: those of the image)",
      integerFrom(2),
    )
    .option("--float", "optimise the float image instead of what the saved file can hold")
    .option("--seed <number>", "seed of random starts (default: 0)", integer);
}

/** When these flags have an effect. */
export const runFlagEffects: readonly FlagEffect[] = [{ flag: "levels", overruledBy: ["float"] }];

/** The options of a run that the flags stand for; the region is a file that is read later. */
export function runOptionsOf(flags: RunFlags): Omit<RunOptions, "region" | "signal"> {
  return {
    iterations: flags.iterations,
    iouThreshold: flags.iou,
    pixelAccuracyThreshold: flags.pixelAccuracy,
    earlyStop: flags.earlyStop,
    iouDefinition: flags.iouDefinition,
    levels: flags.float === true ? "float" : flags.levels,
    seed: flags.seed,
  };
}
