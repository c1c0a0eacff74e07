import { Option, type Command } from "commander";
import {
  AsmaError,
  type Layout,
  type ModelOptions,
  type OutputKind,
  type Padding,
} from "@onnx-asma/core";
import { readTrainingGraph } from "../read-training-graph.ts";
import { integerFrom, numbers, padding, shape, words } from "./parsers.ts";

/** Flags that say how a model is to be understood; the same for every command. */
export interface ModelFlags {
  readonly shape?: Record<string, number[]>;
  readonly input?: string;
  readonly output?: string;
  readonly layout?: Layout;
  readonly range?: [number, number];
  readonly mean?: number[];
  readonly std?: number[];
  readonly padding?: Padding["pixels"];
  readonly paddingMode?: NonNullable<Padding["mode"]>;
  readonly resize?: [number, number];
  readonly classes?: string[];
  readonly outputKind?: OutputKind;
  readonly trainingGraph?: string;
  readonly gradientOutput?: string;
  readonly upstreamInput?: string;
  readonly provider?: string[];
  readonly threads?: number;
}

/** Adds the flags of {@link ModelFlags} to a command. */
export function addModelFlags(command: Command): Command {
  return command
    .option(
      "--shape <name=dims>",
      "concrete dims of an input, e.g. image=1,3,512,512 (repeatable)",
      shape,
    )
    .option("--input <name>", "the image input")
    .option("--output <name>", "the output (or inner value) that segments")
    .addOption(
      new Option("--layout <layout>", "order of the input's axes").choices(["NCHW", "NHWC"]),
    )
    .option("--range <low,high>", "what black and white are for the model, e.g. 0,255", numbers(2))
    .option("--mean <numbers>", "subtracted per channel after --range", numbers())
    .option("--std <numbers>", "divided by per channel after --mean", numbers())
    .option("--padding <pixels>", "pixels added on every side, or top,left,bottom,right", padding)
    .addOption(
      new Option("--padding-mode <mode>", "what the padding is filled with")
        .choices(["edge", "reflect", "constant"])
        .default("constant"),
    )
    .option("--resize <height,width>", "size to resize the image to, before padding", numbers(2))
    .option("--classes <names>", "names of the classes, separated by commas", words)
    .addOption(
      new Option("--output-kind <kind>", "what the output's numbers are")
        .choices(["auto", "logits", "logit", "probability"])
        .default("auto"),
    )
    .option("--training-graph <file>", "take the gradient from this training graph of the model")
    .option("--gradient-output <name>", "its gradient of the image (default: <image>_grad)")
    .option(
      "--upstream-input <name>",
      "its gradient of the scores: input, initializer or inner value (default: <scores>_grad)",
    )
    .option("--provider <names>", "execution providers, e.g. cuda,cpu", words)
    .option("--threads <number>", "threads per operator (0: as many as cores)", integerFrom(0));
}

/**
 * The model options that the flags stand for.
 *
 * @throws AsmaError `ERR_USAGE` for names of a training graph that is not given; as
 *   `readTrainingGraph` does
 */
export async function toModelOptions(flags: ModelFlags): Promise<ModelOptions> {
  const { shape: dims, padding: pixels, paddingMode: mode, provider, threads, ...others } = flags;
  const { trainingGraph: path, gradientOutput, upstreamInput, ...rest } = others;
  const sessionOptions = {
    ...(provider === undefined ? {} : { executionProviders: provider }),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  };
  if (path === undefined && (gradientOutput ?? upstreamInput) !== undefined) {
    throw new AsmaError(
      "ERR_USAGE",
      "--gradient-output and --upstream-input name values of a training graph: give it with --training-graph.",
    );
  }
  const trainingGraph = await readTrainingGraph(path, sessionOptions);
  return {
    ...(rest as ModelOptions),
    dims,
    padding: pixels === undefined ? undefined : { pixels, mode },
    trainingGraph: trainingGraph && { ...trainingGraph, gradientOutput, upstreamInput },
    sessionOptions,
  };
}
