import { Option, type Command } from "commander";
import {
  AsmaError,
  layouts,
  outputKinds,
  type ChannelOrder,
  type LabelGrid,
  type Layout,
  type ModelOptions,
  type OutputKind,
  type Padding,
} from "@onnx-asma/core";
import { findPreprocessor, readPreprocessor } from "../read-preprocessor.ts";
import { readTrainingGraph } from "../read-training-graph.ts";
import {
  classIndexOrName,
  number,
  integerFrom,
  numbers,
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
  readonly output?: string;
  readonly queryClasses?: string;
  readonly voidClass?: number | "none";
  readonly layout?: Layout;
  readonly outputLayout?: Layout;
  /** `false` for `--no-preprocessor`. */
  readonly preprocessor?: string | false;
  readonly channelOrder?: ChannelOrder;
  readonly range?: [number, number];
  readonly mean?: number[];
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
    .option("--mean <numbers>", "subtracted per channel after --range", numbers())
    .option("--std <numbers>", "divided by per channel after --mean", numbers())
    .option(
      "--padding <pixels>",
      "pixels added on every side, or top,left,bottom,right (of volumes front,top,left,back,bottom,right)",
      padding,
    )
    .addOption(
      new Option("--padding-mode <mode>", "what the padding is filled with")
        .choices(["edge", "reflect", "constant", "zero"])
        .default("constant"),
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
      new Option("--output-kind <kind>", "what the output's numbers are")
        .choices(outputKinds)
        .default("auto"),
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

/**
 * The model options that the flags stand for; a `preprocessor_config.json` is read, as told or beside
 * the model.
 *
 * @throws AsmaError `ERR_PREPROCESSOR`, `ERR_FILE_NOT_FOUND`, `ERR_USAGE` for names of a training graph
 *   that is not given; as `readTrainingGraph` does
 */
export async function readModelOptions(
  modelPath: string,
  flags: ModelFlags,
): Promise<ModelOptions> {
  const {
    shape: dims,
    padding: pixels,
    paddingMode: mode,
    preprocessor,
    provider,
    threads,
    trainingGraph: path,
    gradientOutput,
    upstreamInput,
    ...rest
  } = flags;
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
    preprocessor:
      preprocessor === false
        ? undefined
        : preprocessor === undefined
          ? await findPreprocessor(modelPath)
          : await readPreprocessor(preprocessor),
    trainingGraph: trainingGraph && { ...trainingGraph, gradientOutput, upstreamInput },
    sessionOptions,
  };
}
