import { Option, type Command } from "commander";
import {
  layouts,
  outputKinds,
  type ChannelOrder,
  type LabelGrid,
  type Layout,
  type OutputKind,
  type Padding,
} from "@onnx-asma/core";
import { normalisations, type NormalisationName } from "@onnx-asma/core/normalisations";
import type { LoadModelOptions } from "../load-model.ts";
import type { FlagEffect } from "./flag-effects.ts";
import {
  classIndexOrName,
  feed,
  number,
  integerFrom,
  numbers,
  numbersOrName,
  padding,
  shape,
  sizes,
  voidClass,
  words,
} from "./parsers.ts";

/** Flags that say how a model is to be understood; the same for every command. */
export interface ModelFlags {
  readonly shape?: Record<string, number[]>;
  readonly input?: string;
  /** Numbers, or paths of arrays. */
  readonly feed?: Record<string, number | string>;
  readonly output?: string;
  readonly queryClasses?: string;
  readonly voidClass?: number | "none";
  readonly layout?: Layout;
  readonly outputLayout?: Layout;
  /** `false` for `--no-preprocessor`. */
  readonly preprocessor?: string | false;
  readonly channelOrder?: ChannelOrder;
  readonly range?: [number, number];
  readonly mean?: number[] | NormalisationName;
  readonly std?: number[];
  readonly padding?: Padding["pixels"];
  readonly paddingMode?: NonNullable<Padding["mode"]>;
  readonly resize?: [number, number];
  readonly classes?: string[];
  readonly class?: number | string;
  readonly outputKind?: OutputKind;
  readonly border?: number;
  readonly precision?: "float32" | "model";
  readonly grid?: LabelGrid;
  readonly trainingGraph?: string;
  readonly gradientOutput?: string;
  readonly upstreamInput?: string;
  readonly provider?: string[];
  readonly threads?: number;
}

const normalisationNames = Object.keys(normalisations) as NormalisationName[];

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
    .optionsGroup("How the model is understood:")
    .option(
      "--shape <name=dims>",
      "concrete dims of an input, e.g. image=1,3,512,512 (repeatable)",
      shape,
    )
    .option("--input <name>", "the image input")
    .option(
      "--feed <name=value>",
      "value of another input, a number or an .npy file, e.g. step=0.5 (repeatable)",
      feed,
    )
    .option("--output <name>", "the output (or inner value) that segments")
    .option(
      "--query-classes <name>",
      "the output with the classes of queries whose masks are in --output",
    )
    .option(
      "--void-class <class>",
      "class of a query that stands for nothing, or none (default: the last)",
      voidClass,
    )
    .addOption(new Option("--layout <layout>", "order of the input's axes").choices(layouts))
    .addOption(new Option("--output-layout <layout>", "order of the scores' axes").choices(layouts))
    .option(
      "--preprocessor <file>",
      "a preprocessor_config.json (default: the one beside the model, if there is one)",
    )
    .option("--no-preprocessor", "leave a preprocessor_config.json beside the model alone")
    .addOption(
      new Option("--channel-order <order>", "order of the model's three channels").choices([
        "rgb",
        "bgr",
      ]),
    )
    .option("--range <low,high>", "what black and white are for the model, e.g. 0,255", numbers(2))
    .option(
      "--mean <numbers>",
      `subtracted per channel after --range; or a name that stands for range, mean and deviation: ${normalisationNames.join(", ")}`,
      numbersOrName(normalisationNames),
    )
    .option("--std <numbers>", "divided by per channel after --mean", numbers())
    .option(
      "--padding <pixels>",
      "pixels added on every side, or top,left,bottom,right (of volumes front,top,left,back,bottom,right)",
      padding,
    )
    .addOption(
      new Option(
        "--padding-mode <mode>",
        "what the padding is filled with (default: constant)",
      ).choices(["edge", "reflect", "constant", "zero"]),
    )
    .option(
      "--resize <height,width>",
      "size to resize the image to, before padding (of volumes depth,height,width)",
      sizes,
    )
    .option("--classes <names>", "names of the classes, separated by commas", words)
    .option(
      "--class <class>",
      "index or name of the channel to attack, where channels are independent",
      classIndexOrName,
    )
    .addOption(
      new Option("--output-kind <kind>", "what the output's numbers are (default: auto)").choices(
        outputKinds,
      ),
    )
    .option(
      "--border <number>",
      "number of the output above which a pixel of one channel is class 1 (default: 0.5 for probabilities, 0 for logits)",
      number,
    )
    .addOption(
      new Option(
        "--grid <grid>",
        "where labels are decided: on the output's grid or, after resizing the scores, the image's",
      ).choices(["output", "image"]),
    )
    .addOption(precisionOption())
    .option("--training-graph <file>", "take the gradient from this training graph of the model")
    .option("--gradient-output <name>", "its gradient of the image (default: <image>_grad)")
    .option(
      "--upstream-input <name>",
      "its gradient of the scores: input, initializer or inner value (default: <scores>_grad)",
    )
    .option("--provider <names>", "execution providers, e.g. cuda,cpu", words)
    .option("--threads <number>", "threads per operator (0: as many as cores)", integerFrom(0));
}

/** When these flags have an effect. */
export const modelFlagEffects: readonly FlagEffect[] = [
  { flag: "paddingMode", needs: ["padding"] },
  { flag: "gradientOutput", needs: ["trainingGraph"] },
  { flag: "upstreamInput", needs: ["trainingGraph"] },
];

/** The options that the flags stand for, but for those that are read from files: see `readFeeds`. */
export function modelOptionsOf(flags: ModelFlags): LoadModelOptions {
  const { padding: pixels, paddingMode: mode, provider, threads } = flags;
  const { trainingGraph, gradientOutput, upstreamInput } = flags;
  return {
    input: flags.input,
    output: flags.output,
    queryClasses: flags.queryClasses,
    voidClass: flags.voidClass,
    dims: flags.shape,
    layout: flags.layout,
    outputLayout: flags.outputLayout,
    preprocessor: flags.preprocessor,
    channelOrder: flags.channelOrder,
    range: flags.range,
    mean: flags.mean,
    std: flags.std,
    padding: pixels === undefined ? undefined : { pixels, mode },
    resize: flags.resize,
    classes: flags.classes,
    class: flags.class,
    outputKind: flags.outputKind,
    border: flags.border,
    grid: flags.grid,
    precision: flags.precision,
    trainingGraph:
      trainingGraph === undefined
        ? undefined
        : { model: trainingGraph, gradientOutput, upstreamInput },
    sessionOptions: provider === undefined ? undefined : { executionProviders: provider },
    threads,
  };
}
