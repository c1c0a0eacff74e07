import { Option, type Command } from "commander";
import type { Layout, ModelOptions, OutputKind, Padding } from "@onnx-asma/core";
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
  readonly precision?: "float32" | "model";
  readonly provider?: string[];
  readonly threads?: number;
}

/** `--precision`, for every command that derives gradients. */
export function precisionOption(): Option {
  return new Option(
    "--precision <type>",
    "compute float16 and bfloat16 models in float32 (and float64 ones where kernels lack), or as they are (default: float32)",
  ).choices(["float32", "model"]);
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
    .addOption(precisionOption())
    .option("--provider <names>", "execution providers, e.g. cuda,cpu", words)
    .option("--threads <number>", "threads per operator (0: as many as cores)", integerFrom(0));
}

/** The model options that the flags stand for. */
export function toModelOptions(flags: ModelFlags): ModelOptions {
  const { shape: dims, padding: pixels, paddingMode: mode, provider, threads, ...rest } = flags;
  return {
    ...(rest as ModelOptions),
    dims,
    padding: pixels === undefined ? undefined : { pixels, mode },
    sessionOptions: {
      ...(provider === undefined ? {} : { executionProviders: provider }),
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    },
  };
}
